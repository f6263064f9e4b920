package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"tailpoke/internal/table"
)

// The engines whose rows a run must have, in the order of the columns.
var engines = []string{"kernel", "cpu", "machine", "model"}

// judged says whether an engine's word is a verdict, not that it gave none.
func judged(verdict string) bool {
	return !slices.Contains([]string{"", "unsupported", "skipped", "vacuous"}, verdict)
}

// write prints what was answered, and returns how much of it is wrong.
func write(w io.Writer, objects []*object) int {
	t := &table.Table{Ruled: true}
	t.Add(append([]string{"object", "tail calls", "identical"}, engines...)...)
	for _, ob := range objects {
		cells := []string{ob.short(), fmt.Sprint(len(ob.tailing)), ob.identical()}
		for _, e := range engines {
			cells = append(cells, ob.cell(e))
		}
		t.Add(cells...)
	}
	fmt.Fprintln(w, t)
	for _, reason := range reasons(objects) {
		fmt.Fprintln(w, reason)
	}
	wrong := 0
	for _, ob := range objects {
		for _, what := range ob.wrong() {
			wrong++
			fmt.Fprintln(w, "WRONG:", what)
		}
	}
	sums(w, objects)
	return wrong
}

// short is the project of an object, and its own name.
func (ob *object) short() string {
	_, inside, _ := strings.Cut(ob.name, "@")
	_, inside, _ = strings.Cut(inside, "/")
	parts := strings.Split(inside, "/")
	return strings.Join(append([]string{project(ob.name), strings.Join(parts[max(0, len(parts)-2):], "/")}, ob.same...), " ")
}

// identical says how many images are the kernel's, of those that were compared, and how many were not.
func (ob *object) identical() string {
	if ob.identity.Report == nil {
		return "-"
	}
	r, more := ob.identity.Report, ""
	if n := len(r.Rejected); n > 0 {
		more += fmt.Sprintf(", %d not loaded", n)
	}
	if n := len(r.Apart); n > 0 {
		more += fmt.Sprintf(", %d not compared", n)
	}
	return fmt.Sprintf("%d of %d%s", r.Identical, r.Programs, more)
}

// cell counts an engine's verdicts on an object's entries.
func (ob *object) cell(engine string) string {
	if len(ob.tailing) == 0 {
		return ""
	}
	count := map[string]int{}
	for _, e := range ob.tailing {
		count[ob.runs[e].verdict(engine).Verdict]++
	}
	var out []string
	for _, v := range slices.Sorted(maps.Keys(count)) {
		word := v
		if v == "" {
			word = "no row"
		}
		out = append(out, fmt.Sprintf("%d %s", count[v], word))
	}
	return strings.Join(out, ", ")
}

// verdict is an engine's row, or an empty one.
func (a *answer) verdict(engine string) row {
	if a != nil && a.Report != nil {
		for _, r := range a.Report.Verdicts {
			if r.Engine == engine {
				return r
			}
		}
	}
	return row{}
}

// reasons says why things were not judged, and how often.
func reasons(objects []*object) []string {
	count := map[string]int{}
	for _, ob := range objects {
		if ob.identity.Report != nil {
			for _, n := range ob.identity.Report.Rejected {
				count["identity: "+ob.general(n.Listing)]++
			}
			for _, n := range ob.identity.Report.Apart {
				count["identity: not compared: "+ob.general(n.Listing)]++
			}
		}
		for _, e := range ob.tailing {
			if ob.runs[e].Report == nil {
				count["no rows: "+ob.general(ob.runs[e].Stderr)]++
				continue
			}
			for _, engine := range engines {
				if r := ob.runs[e].verdict(engine); r.Verdict != "" && !judged(r.Verdict) {
					count[engine+" "+r.Verdict+": "+ob.general(r.Reason)]++
				}
			}
		}
	}
	var out []string
	for _, why := range slices.Sorted(maps.Keys(count)) {
		out = append(out, fmt.Sprintf("%3d  %s", count[why], why))
	}
	return out
}

// place is at which line something is, lineless at which instruction, and how much of a log is left out.
var (
	place    = regexp.MustCompile(` (at|after) \S+?\.\w+:\d+`)
	lineless = regexp.MustCompile(`( insn \d+ \([^)]*\):| \(\d+ line\(s\) omitted\))`)
)

// general is a reason without the names that make it one object's.
func (ob *object) general(reason string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(reason), "\n")
	first = strings.ReplaceAll(strings.TrimPrefix(first, "stress: "), ob.file, "FILE")
	first = lineless.ReplaceAllString(place.ReplaceAllString(first, ""), "")
	words := strings.Fields(first)
	for i, w := range words {
		bare := strings.Trim(w, `":,;()`)
		switch {
		case i > 0 && words[i-1] == "map" && bare != "":
			words[i] = strings.Replace(w, bare, "MAP", 1)
		case len(bare) > 2 && slices.Contains(ob.programs, bare): // shorter names are words
			words[i] = strings.Replace(w, bare, "PROGRAM", 1)
		}
	}
	return strings.Join(words, " ")
}
