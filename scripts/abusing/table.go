package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A tally counts outcomes by the kind of their inputs.
type tally map[string]map[string]int

// add counts an outcome by its exit code, or by the signal that ended it.
func (t tally) add(in *input, o *outcome) {
	if t[in.kind] == nil {
		t[in.kind] = map[string]int{}
	}
	by := fmt.Sprint(o.code)
	switch {
	case o.late:
		by = "late"
	case o.killed != 0:
		by = "killed"
	}
	t[in.kind][by]++
}

// write prints a row for each kind of inputs, and one for all.
func (t tally) write(w io.Writer) {
	codes := []string{"0", "1", "2", "3", "4", "5", "129", "130", "143", "killed", "late"}
	for _, row := range t {
		for by := range row {
			if !slices.Contains(codes, by) {
				codes = append(codes, by)
			}
		}
	}
	const first = "%-28s %7v"
	line := func(name string, row map[string]int) {
		n := 0
		for _, of := range row {
			n += of
		}
		fmt.Fprintf(w, first, name, n)
		for _, c := range codes {
			of := fmt.Sprint(row[c])
			if row[c] == 0 {
				of = "-"
			}
			fmt.Fprintf(w, " %6s", of)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, first, "inputs, by exit code", "")
	for _, c := range codes {
		fmt.Fprintf(w, " %6s", c)
	}
	fmt.Fprintf(w, "\n%s\n", strings.Repeat("-", 36+7*len(codes)))
	all := map[string]int{}
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		line(kind, t[kind])
		for c, n := range t[kind] {
			all[c] += n
		}
	}
	line("all", all)
}
