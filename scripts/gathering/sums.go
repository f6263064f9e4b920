package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// wrong lists what the command must never answer, and the violations, which may be true.
func (ob *object) wrong() (out []string) {
	add := func(a *answer, what string) {
		args := strings.ReplaceAll(strings.Join(a.Args, " "), ob.file, ob.name)
		out = append(out, fmt.Sprintf("%s: %s (stress %s)", what, ob.general(firstLine(a)), args))
	}
	for _, a := range ob.answers() {
		switch {
		case a.Late:
			add(a, fmt.Sprintf("not over after %.0f s", a.Seconds))
		case strings.Contains(a.Stderr, "panic: ") || strings.Contains(a.Stderr, "fatal error: "):
			add(a, "a panic")
		case a.Code == 3 || a.Code == -1:
			add(a, fmt.Sprintf("exit code %d", a.Code))
		}
	}
	if r := ob.identity.Report; r != nil && len(r.Differ) > 0 {
		add(ob.identity, fmt.Sprintf("%d images differ", len(r.Differ)))
	}
	for _, e := range ob.tailing {
		if ob.runs[e].Report == nil {
			add(ob.runs[e], "no rows")
			continue
		}
		for _, engine := range engines {
			switch ob.runs[e].verdict(engine).Verdict {
			case "":
				add(ob.runs[e], "no row of "+engine)
			case "violated":
				add(ob.runs[e], "accused by "+engine)
			}
		}
	}
	return out
}

func (ob *object) answers() []*answer {
	out := []*answer{ob.identity}
	for _, e := range ob.entries() {
		out = append(out, ob.runs[e])
	}
	return out
}

func firstLine(a *answer) string {
	if a.Report != nil && a.Report.Summary != "" {
		return a.Report.Summary
	}
	line, _, _ := strings.Cut(a.Stderr, "\n")
	return line
}

// sums prints what the acceptance of the whole is measured by.
func sums(w io.Writer, objects []*object) {
	modules, tailing := map[string]bool{}, 0
	var images, identical, rejected, apart int
	var entries, loaded, kernel, loadedKernel, other int
	for _, ob := range objects {
		module, _, _ := strings.Cut(ob.name, "@")
		modules[module] = true
		if len(ob.tailing) > 0 {
			tailing++
		}
		var refused []string
		if r := ob.identity.Report; r != nil {
			images, identical = images+r.Programs, identical+r.Identical
			rejected, apart = rejected+len(r.Rejected), apart+len(r.Apart)
			for _, n := range r.Rejected {
				refused = append(refused, n.Name)
			}
		}
		for _, e := range ob.tailing {
			entries++
			loads := ob.identity.Report != nil && !slices.Contains(refused, e)
			byKernel := judged(ob.runs[e].verdict("kernel").Verdict)
			if loads {
				loaded++
			}
			if byKernel {
				kernel++
			}
			if loads && byKernel {
				loadedKernel++
			}
			if judged(ob.runs[e].verdict("cpu").Verdict) || judged(ob.runs[e].verdict("machine").Verdict) {
				other++
			}
		}
	}
	fmt.Fprintf(w, "%d objects of %d modules, %d with tail calls\n", len(objects), len(modules), tailing)
	fmt.Fprintf(w, "%d of %d images identical; %d programs not loaded, %d not compared\n", identical, images, rejected, apart)
	fmt.Fprintf(w, "%d of %d entries with tail calls have a verdict of cpu or machine (%s), %d one of kernel\n",
		other, entries, percent(other, entries), kernel)
	fmt.Fprintf(w, "%d of %d that load as they stand here have a verdict of kernel (%s)\n",
		loadedKernel, loaded, percent(loadedKernel, loaded))
}

func percent(part, whole int) string {
	if whole == 0 {
		return "of none"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}
