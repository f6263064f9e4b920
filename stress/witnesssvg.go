package stress

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// Sizes of a drawing, in pixels. A character of the font is at most 6.8 wide.
const (
	drawLabel  = 128 // width of the lanes' names
	drawColumn = 172 // width of a step
	drawHead   = 56  // height of the title and the numbers of the steps
	drawLine   = 14  // height of a line of text
	drawChars  = 24  // characters that fit into a column

	drawLabelChars = 17 // characters that fit into the width of a name
)

// drawStyle has both palettes. Each content says in words what its colour says.
const drawStyle = `
text { font: 11px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1b1b1b }
.title { font-size: 13px; font-weight: bold }
.fault { font-weight: bold; fill: #a40e16 }
.same { fill: #585858 }
.paper { fill: #ffffff }
rect { stroke: #b8b8b8; stroke-width: 0.5 }
.acts { fill: #c6defc } .inside { fill: #edf3fb } .out { fill: #ffffff } .bad { fill: #ffb4ad }
.nop, .B { fill: #d5f0cf } .jmp, .D { fill: #fce9b5 } .int3, .half { fill: #e6d5f6 }
.A { fill: #ffb4ad } .C, .other { fill: #e4e4e4 } .round { fill: #fff3a3 }
@media (prefers-color-scheme: dark) {
text { fill: #ececec } .fault { fill: #ff9d95 } .same { fill: #bcbcbc } .paper { fill: #161616 }
rect { stroke: #5a5a5a }
.acts { fill: #1f4a7c } .inside { fill: #1d2633 } .out { fill: #161616 } .bad { fill: #8c1c17 }
.nop, .B { fill: #1f5123 } .jmp, .D { fill: #5f4a0c } .int3, .half { fill: #4c2f6b }
.A { fill: #8c1c17 } .C, .other { fill: #3b3b3b } .round { fill: #5c5300 }
}
`

// A drawing is what is drawn of a witness, whichever engine it is of.
type drawing struct {
	actors []string // names: who patches, then the threads
	start  drawView
	steps  []drawStep
	cycle  int // how many of the last steps repeat for ever; of 0 the last one breaks something
}

// A drawStep is a step, with what it leads to.
type drawStep struct {
	actor     int // index of its name
	text, tip string
	drawView
}

// A drawView is what a state shows.
type drawView struct {
	at    []string // where each actor stands; "" of who does not execute
	sites []drawSite
}

// A drawSite is what the memory of a site holds.
type drawSite struct{ name, bypass, target, state string }

// view is what a column shows: 0 is before the first step.
func (d *drawing) view(column int) *drawView {
	if column == 0 {
		return &d.start
	}
	return &d.steps[column-1].drawView
}

// repeats reports whether the step of a column is one that repeats for ever.
func (d *drawing) repeats(column int) bool { return column > len(d.steps)-d.cycle }

// A drawCell is what a lane shows of a step.
type drawCell struct {
	class, text, tip string
	same             bool // as in the column before
}

// A drawLane has a cell for the state that everything begins in, and one for each step.
type drawLane struct {
	label string
	cells []drawCell
}

// SVG draws the witness: a column for each step, a lane for each mutator, the loader and each
// thread, and three for each site: its slots and its state. Steps that repeat for ever are marked.
// The drawing needs no other file, and is the same each time.
func (r *WitnessReport) SVG() []byte {
	d := r.drawing
	lanes := d.lanes()
	heights, tops, height := drawHeights(lanes)
	s := r.Subject
	title := fmt.Sprintf("protocol %s, method %s, grace %s, layout %s", s.Protocol, s.Method, s.Grace, s.Layout)
	fault := fmt.Sprintf("step %d violates %s: %s", r.Steps, r.Property, r.Text)
	if r.Cycle > 0 {
		fault = fmt.Sprintf("steps %d to %d violate %s: %s", r.Steps-r.Cycle+1, r.Steps, r.Property, r.Text)
	}
	width := max(drawLabel+drawColumn*(len(d.steps)+1)+drawLine, 16+8*max(len(title), len(fault)))
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d">`+"\n", width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", escaped("violates "+string(r.Property)), drawStyle)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, height)
	drawText(&b, "title", 8, 20, title)
	for i, l := range lanes {
		drawLines(&b, "", 8, tops[i], wrapped(l.label, drawLabelChars))
	}
	for column := range len(d.steps) + 1 {
		x := drawLabel + column*drawColumn
		d.drawHead(&b, column, x)
		for i, l := range lanes {
			drawBox(&b, l.cells[column], x, tops[i], heights[i])
		}
		b.WriteString("</g>\n")
	}
	drawText(&b, "fault", 8, height-10, fault)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// drawHead opens a column, whose head says which step it is.
func (d *drawing) drawHead(b *bytes.Buffer, column, x int) {
	const line = drawHead - 8
	switch {
	case column == 0:
		b.WriteString(`<g class="start">` + "\n")
		drawText(b, "", x+4, line, "start")
	case d.repeats(column):
		fmt.Fprintf(b, `<g class="step" id="step-%d">`+"\n", column)
		drawBox(b, drawCell{class: "round", text: fmt.Sprintf("%d, for ever", column)}, x, drawHead-drawLine-8, drawLine+8)
	default:
		fmt.Fprintf(b, `<g class="step" id="step-%d">`+"\n", column)
		drawText(b, "", x+4, line, fmt.Sprint(column))
	}
}

// lanes are those of a drawing, from the top.
func (d *drawing) lanes() []drawLane {
	var lanes []drawLane
	for i, name := range d.actors {
		lanes = append(lanes, drawLane{name, d.cellsOf(i)})
	}
	for i, site := range d.start.sites {
		parts := [3]drawLane{{label: site.name + ": bypass"}, {label: "target"}, {label: "state"}}
		for column := range len(d.steps) + 1 {
			now := d.view(column).sites[i]
			for n, text := range []string{now.bypass, now.target, now.state} {
				c := drawCell{class: contentClass(text), text: text}
				if n == 2 {
					c.class = stateClass(text)
				}
				if column > 0 {
					c.same = parts[n].cells[column-1].text == text
				}
				parts[n].cells = append(parts[n].cells, c)
			}
		}
		lanes = append(lanes, parts[:]...)
	}
	return lanes
}

// cellsOf are the cells of an actor.
func (d *drawing) cellsOf(actor int) []drawCell {
	var cells []drawCell
	for column := range len(d.steps) + 1 {
		c := drawCell{class: "inside", tip: d.view(column).at[actor]}
		if c.tip == "" || c.tip == "idle" {
			c.class = "out"
		}
		if column > 0 && d.steps[column-1].actor == actor {
			s := &d.steps[column-1]
			c.class, c.text = "acts", s.text
			if s.tip != "" {
				c.tip = s.tip
			}
			if column == len(d.steps) && d.cycle == 0 {
				c.class = "bad"
			}
		}
		cells = append(cells, c)
	}
	return cells
}

// contentClass is the colour of what a slot holds.
func contentClass(text string) string {
	for _, class := range []string{"nop", "jmp", "int3"} {
		if strings.HasPrefix(text, class) {
			return class
		}
	}
	return "other"
}

// stateClass is the colour of a state letter, or of what is said while a poke is between two.
func stateClass(letter string) string {
	switch {
	case letter == "A" || letter == "B" || letter == "C" || letter == "D":
		return letter
	case letter == "?" || strings.Contains(letter, ">"):
		return "half"
	}
	return "other"
}

// drawHeights are the heights of the lanes, where they begin, and the height of all.
func drawHeights(lanes []drawLane) (heights, tops []int, all int) {
	all = drawHead
	for _, l := range lanes {
		lines := len(wrapped(l.label, drawLabelChars))
		for _, c := range l.cells {
			lines = max(lines, len(wrapped(c.text, drawChars)))
		}
		heights, tops = append(heights, lines*drawLine+6), append(tops, all)
		all += lines*drawLine + 6
	}
	return heights, tops, all + 2*drawLine
}

func drawBox(b *bytes.Buffer, c drawCell, x, y, height int) {
	fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d">`, c.class, x, y, drawColumn, height)
	if c.tip != "" {
		fmt.Fprintf(b, "<title>%s</title>", escaped(c.tip))
	}
	b.WriteString("</rect>\n")
	class := ""
	if c.same {
		class = "same"
	}
	drawLines(b, class, x+4, y, wrapped(c.text, drawChars))
}

func drawLines(b *bytes.Buffer, class string, x, y int, lines []string) {
	for i, line := range lines {
		drawText(b, class, x, y+drawLine*(i+1), line)
	}
}

func drawText(b *bytes.Buffer, class string, x, y int, text string) {
	if class != "" {
		class = fmt.Sprintf(` class="%s"`, class)
	}
	fmt.Fprintf(b, `<text%s x="%d" y="%d">%s</text>`+"\n", class, x, y, escaped(text))
}

// escaped is text for XML, without the characters that it cannot have.
func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

// wrapped breaks a text into lines of at most so many characters, between words if it can.
func wrapped(text string, most int) []string {
	var lines []string
	line := []rune{}
	for _, word := range strings.Fields(text) {
		if len(line) > 0 && len(line)+1+len([]rune(word)) > most {
			lines, line = append(lines, string(line)), nil
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		line = append(line, []rune(word)...)
		for ; len(line) > most; line = line[most:] {
			lines = append(lines, string(line[:most]))
		}
	}
	if len(line) > 0 {
		lines = append(lines, string(line))
	}
	return lines
}
