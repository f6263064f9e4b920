package witness

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// Sizes of a drawing, in pixels. A character of the font is at most 6.8 wide.
const (
	drawLabel  = 128 // width of the lanes' names
	drawColumn = 172 // width of a step
	drawTitle  = 28  // height of the title
	drawHead   = 28  // height of the numbers of the steps
	drawLine   = 14  // height of a line of text
	drawChars  = 24  // characters that fit into a column
	drawAcross = 8   // columns side by side; more go on below

	drawLabelChars = 17 // characters that fit into the width of a name

	legendLine = 2*drawLine + 10 // height of a line of the legend, whose words may need two
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

// SVG draws the witness below a title: a column for each step, a lane for each agent and each
// thread, and for each site one for each slot and one for its state. Columns go on below where there
// are many. Steps that repeat for ever are marked; a legend stands at the end. The drawing needs no
// other file, and is the same each time.
func (w *Witness) SVG(title string) []byte {
	lanes := w.lanes()
	heights, tops, height := drawHeights(lanes)
	n := len(w.Steps)
	fault := fmt.Sprintf("step %d violates %s: %s", n, w.Property, w.Text)
	if w.Cycle > 0 {
		fault = fmt.Sprintf("steps %d to %d violate %s: %s", n-w.Cycle+1, n, w.Property, w.Text)
	}
	rows := (n + drawAcross) / drawAcross // of n+1 columns
	below := drawTitle + rows*height
	width := max(drawLabel+drawColumn*min(n+1, drawAcross)+drawLine, 16+8*max(len(title), len(fault)))
	all := below + drawLine + legendHeight(width)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" `, width, all)
	fmt.Fprintf(&b, `viewBox="0 0 %d %d">`+"\n", width, all)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", escaped("violates "+string(w.Property)), drawStyle)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, all)
	drawText(&b, "title", 8, 20, title)
	for row := range rows {
		fmt.Fprintf(&b, `<g transform="translate(0,%d)">`+"\n", drawTitle+row*height)
		for i, l := range lanes {
			drawLines(&b, "", 8, tops[i], wrapped(l.label, drawLabelChars))
		}
		for column := row * drawAcross; column <= min(n, row*drawAcross+drawAcross-1); column++ {
			x := drawLabel + column%drawAcross*drawColumn
			w.drawHead(&b, column, x)
			for i, l := range lanes {
				drawBox(&b, l.cells[column], x, tops[i], heights[i])
			}
			b.WriteString("</g>\n")
		}
		b.WriteString("</g>\n")
	}
	drawText(&b, "fault", 8, below+4, fault)
	drawLegend(&b, width, below+drawLine)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// legend says what the colours mean, and the signs.
var legend = []drawCell{
	{class: "acts", text: "takes this step"}, {class: "inside", text: "is in the image"}, {class: "bad", text: "breaks the property"},
	{class: "round", text: "repeats for ever"}, {class: "nop", text: "nop; state B: taken"}, {class: "jmp", text: "jump; state D: between"},
	{class: "int3", text: "int3; a poke, C>A"}, {class: "A", text: "state A: forbidden"}, {class: "C", text: "state C: skipped"},
	{class: "out", text: "* older bytes may be fetched"},
}

func legendAcross(width int) int { return max((width-drawLine)/drawColumn, 1) }

func legendHeight(width int) int {
	across := legendAcross(width)
	return (len(legend)+across-1)/across*legendLine + drawLine
}

func drawLegend(b *bytes.Buffer, width, y int) {
	across := legendAcross(width)
	b.WriteString(`<g class="legend">` + "\n")
	for i, c := range legend {
		drawBox(b, c, 8+i%across*drawColumn, y+i/across*legendLine, legendLine-4)
	}
	b.WriteString("</g>\n")
}

// drawHead opens a column, whose head says which step it is.
func (w *Witness) drawHead(b *bytes.Buffer, column, x int) {
	const line = drawHead - 8
	switch {
	case column == 0:
		b.WriteString(`<g class="start">` + "\n")
		drawText(b, "", x+4, line, "start")
	case column > len(w.Steps)-w.Cycle:
		fmt.Fprintf(b, `<g class="step" id="step-%d">`+"\n", column)
		head := drawCell{class: "round", text: fmt.Sprintf("%d, for ever", column)}
		drawBox(b, head, x, drawHead-drawLine-8, drawLine+8)
	default:
		fmt.Fprintf(b, `<g class="step" id="step-%d">`+"\n", column)
		drawText(b, "", x+4, line, fmt.Sprint(column))
	}
}

// view is what a column shows: 0 is before the first step.
func (w *Witness) view(column int) *View {
	if column == 0 {
		return &w.Start
	}
	return &w.Steps[column-1].View
}

// lanes are those of the drawing, from the top.
func (w *Witness) lanes() []drawLane {
	var lanes []drawLane
	for _, a := range w.actors() {
		lanes = append(lanes, drawLane{a.String(), w.cellsOf(a)})
	}
	for i := range w.Sites {
		label := w.SiteName(i) + ": "
		for n := range protocol.Slots {
			lanes = append(lanes, w.lane(label+protocol.Slot(n).String(), func(s *SiteView) drawCell {
				if s.Gone {
					return drawCell{class: "other", text: "-"}
				}
				return drawCell{class: contentClass(s.Slots[n].SlotText), text: w.slot(&s.Slots[n])}
			}, i))
			label = ""
		}
		lanes = append(lanes, w.lane("state", stateCell, i))
	}
	return lanes
}

// lane is a lane of a site.
func (w *Witness) lane(label string, cell func(*SiteView) drawCell, site int) drawLane {
	l := drawLane{label: label}
	for column := range len(w.Steps) + 1 {
		c := cell(&w.view(column).Sites[site])
		c.same = column > 0 && l.cells[column-1].text == c.text
		l.cells = append(l.cells, c)
	}
	return l
}

// cellsOf are the cells of an actor.
func (w *Witness) cellsOf(a Actor) []drawCell {
	var cells []drawCell
	for column := range len(w.Steps) + 1 {
		c := drawCell{class: "out"}
		if a.Kind == Thread {
			at := w.view(column).Threads[a.Index]
			if c.tip = w.Where(at); at.Place != Idle {
				c.class = "inside"
			}
		}
		if column > 0 && w.Steps[column-1].Actor == a {
			s := &w.Steps[column-1]
			if c.class, c.text = "acts", w.Words(s); s.Code != nil {
				c.tip = fmt.Sprintf("%s: % x: %s; executed %d", w.Where(s.Code.At), s.Code.Bytes, s.Code.Text, s.Code.Count)
			}
			if column == len(w.Steps) && w.Cycle == 0 {
				c.class = "bad"
			}
		}
		cells = append(cells, c)
	}
	return cells
}

// contentClass is the colour of what a slot holds.
func contentClass(t protocol.SlotText) string {
	switch t.Head {
	case protocol.HeadNop:
		return "nop"
	case protocol.HeadJump:
		return "jmp"
	case protocol.HeadTrap:
		return "int3"
	}
	return "other"
}

// stateCell shows the letter of a site's state, or two, while a poke is between them.
func stateCell(s *SiteView) drawCell {
	switch {
	case s.Gone:
		return drawCell{class: "other", text: "-"}
	case s.From != s.To:
		return drawCell{class: "half", text: s.StateText()}
	}
	return drawCell{class: s.From.String(), text: s.StateText()}
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
	return heights, tops, all + drawLine
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
	if len(class) > 0 {
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
