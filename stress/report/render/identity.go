package render

import (
	"fmt"
	"slices"

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
	if len(i.Objects) > 1 {
		for _, o := range i.Objects {
			out = append(out, text(0, o.Name+": "+ofObject(o))...)
		}
	}
	return append(out, text(0, i.sum())...)
}

// ofObject is what was found of one object.
func ofObject(o report.ObjectIdentity) string {
	if o.Refused != "" {
		return "refused: " + oneLine(o.Refused)
	}
	if o.Programs+o.Rejected+o.Unsupported == 0 {
		return "no program"
	}
	said := fmt.Sprintf("%d of %d images identical", o.Identical, o.Programs)
	if o.Rejected > 0 {
		said += fmt.Sprintf(", %d not loaded", o.Rejected)
	}
	if o.Unsupported > 0 {
		said += fmt.Sprintf(", %d not compared", o.Unsupported)
	}
	return said
}

func (i identity) sum() string {
	sum := fmt.Sprintf("%d of %d images identical, %d distinct opcodes", i.Identical, i.Programs, i.Opcodes)
	if len(i.Objects) < 2 {
		return sum
	}
	refused := 0
	for _, o := range i.Objects {
		if o.Refused != "" {
			refused++
		}
	}
	return fmt.Sprintf("%s; %s, %d refused; %s not loaded, %d not compared", sum, counted(len(i.Objects), "object"), refused,
		counted(len(i.Rejected), "program"), len(i.Unsupported))
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
	for _, n := range slices.Concat(i.Rejected, i.Unsupported) {
		out = append(out, testCase{name: n.Name, result: skipped, why: n.Listing})
	}
	for _, o := range i.Objects {
		if o.Refused != "" {
			out = append(out, testCase{name: o.Name, result: skipped, why: o.Refused})
		}
	}
	return out
}
