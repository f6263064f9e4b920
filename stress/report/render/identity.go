package render

import (
	"fmt"

	"tailpoke/stress/report"
)

// identity is the view of images that were compared with the kernel's.
type identity struct{ *report.Identity }

func (i identity) parts(*report.Document) []part {
	var out []part
	for _, d := range i.Differences {
		out = append(out, text(0, d.Name+" differs")...)
		out = append(out, text(0, append(lines(d.Listing), "")...)...)
	}
	for _, n := range i.Rejected {
		out = append(out, text(0, n.Name+" was not loaded: "+oneLine(n.Listing))...)
	}
	for _, n := range i.Unsupported {
		out = append(out, text(0, n.Name+" is not compared: "+oneLine(n.Listing))...)
	}
	return append(out, text(0, i.sum())...)
}

func (i identity) sum() string {
	return fmt.Sprintf("%d of %d images identical, %d distinct opcodes", i.Identical, i.Programs, i.Opcodes)
}

func (i identity) cases(*report.Document) []testCase {
	all := testCase{name: "images", seen: []string{i.sum()}}
	if i.Programs == 0 {
		all.result, all.why = broken, "no program was compared"
	}
	out := []testCase{all}
	for _, d := range i.Differences {
		out = append(out, testCase{name: d.Name, result: failed, why: "the images differ", detail: lines(d.Listing)})
	}
	for _, n := range append(i.Rejected, i.Unsupported...) {
		out = append(out, testCase{name: n.Name, result: skipped, why: n.Listing})
	}
	return out
}
