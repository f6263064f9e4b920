package main

import (
	"fmt"
	"io"
)

// show prints a fault, and what became of it.
func show(out io.Writer, t *tree, v verdict) {
	if v.outcome == uncompiled || v.outcome == "" && v.took > 0 {
		return
	}
	was, is := v.diff(t.packages[packageOf(v.fault)].src[v.file])
	switch v.outcome {
	case "":
		fmt.Fprintln(out, v.id())
	case survived:
		fmt.Fprintf(out, "SURVIVED   %s  %s  (%.1f s)\n", v.id(), v.in, v.took.Seconds())
	default:
		fmt.Fprintf(out, "%-10s %s  %s (%.1f s)\n", v.outcome, v.id(), v.by, v.took.Seconds())
	}
	fmt.Fprintf(out, "\t- %s\n\t+ %s\n", was, is)
}

// summary prints what survived, once more, and the figures.
func summary(out io.Writer, d *drawing, verdicts []verdict) {
	n := map[outcome]int{}
	for _, v := range verdicts {
		n[v.outcome]++
	}
	if n[survived] > 0 {
		fmt.Fprintln(out, "\nsurvivors:")
		for _, v := range verdicts {
			if v.outcome == survived {
				show(out, d.tree, v)
			}
		}
	}
	fmt.Fprintln(out)
	for _, f := range d.equivalent {
		src := d.tree.packages[packageOf(f)].src[f.file]
		fmt.Fprintf(out, "not counted: %s: %s\n", f.id(), d.argued.of(f, src))
	}
	fmt.Fprintf(out, "mutate: %d of %d killed (%.1f %%), %d of them by the time limit; %d survived; %d did not compile\n",
		n[killed]+n[timedOut], len(verdicts), percent(verdicts), n[timedOut], n[survived], d.uncompiled)
}

// percent is how many faults were noticed, of 100.
func percent(verdicts []verdict) float64 {
	noticed := 0
	for _, v := range verdicts {
		if v.outcome != survived {
			noticed++
		}
	}
	return 100 * float64(noticed) / float64(max(1, len(verdicts)))
}
