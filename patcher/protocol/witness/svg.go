package witness

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

// SVG draws the witness below a title: a column for each step, a lane for each agent and each
// thread, and for each site one for each slot and one for its state. Columns go on below where there
// are many. Steps that repeat for ever are marked; a legend stands at the end. The drawing needs no
// other file, and is the same each time.
func (w *Witness) SVG(title string) []byte {
	lanes := w.Lanes()
	heights, tops, height := drawHeights(lanes)
	n := len(w.Steps)
	fault := fmt.Sprintf("step %d violates %s: %s", n, w.Property, w.Broken())
	if w.Cycle > 0 {
		fault = fmt.Sprintf("steps %d to %d violate %s: %s", n-w.Cycle+1, n, w.Property, w.Text)
	}
	rows := (n + drawAcross) / drawAcross // of n+1 columns
	below, longest := drawTitle+rows*height, max(len(title), len(fault))
	var sources []string
	for _, row := range w.Legend().Rows {
		sources = append(sources, strings.Join(row, ": "))
		longest = max(longest, len(sources[len(sources)-1]))
	}
	width := max(drawLabel+drawColumn*min(n+1, drawAcross)+drawLine, 16+8*longest)
	last := below + drawLine*len(sources)
	all := last + drawLine + legendHeight(width)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" `, width, all)
	fmt.Fprintf(&b, `viewBox="0 0 %d %d">`+"\n", width, all)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", escaped("violates "+string(w.Property)), drawStyle)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, all)
	drawText(&b, "title", 8, 20, title)
	for row := range rows {
		fmt.Fprintf(&b, `<g transform="translate(0,%d)">`+"\n", drawTitle+row*height)
		for i, l := range lanes {
			drawLines(&b, "", 8, tops[i], wrapped(l.Label, drawLabelChars))
		}
		for column := row * drawAcross; column <= min(n, row*drawAcross+drawAcross-1); column++ {
			x := drawLabel + column%drawAcross*drawColumn
			w.drawHead(&b, column, x)
			for i, l := range lanes {
				drawBox(&b, l.Cells[column], x, tops[i], heights[i])
			}
			b.WriteString("</g>\n")
		}
		b.WriteString("</g>\n")
	}
	drawText(&b, "fault", 8, below+4, fault)
	for i, line := range sources {
		drawText(&b, "", 8, below+4+drawLine*(i+1), line)
	}
	drawLegend(&b, width, last+drawLine)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// legend says what the colours mean, and the signs.
var legend = []Cell{
	{Class: "acts", Text: "takes this step"}, {Class: "inside", Text: "is in the image"}, {Class: "bad", Text: "breaks the property"},
	{Class: "round", Text: "repeats for ever"}, {Class: "nop", Text: "nop; state B: taken"}, {Class: "jmp", Text: "jump; state D: between"},
	{Class: "int3", Text: "int3; a poke, C>A"}, {Class: "A", Text: "state A: forbidden"}, {Class: "C", Text: "state C: skipped"},
	{Class: "out", Text: "* older bytes may be fetched"},
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
		head := Cell{Class: "round", Text: fmt.Sprintf("%d, for ever", column)}
		drawBox(b, head, x, drawHead-drawLine-8, drawLine+8)
	default:
		fmt.Fprintf(b, `<g class="step" id="step-%d">`+"\n", column)
		drawText(b, "", x+4, line, fmt.Sprint(column))
	}
}

// drawHeights are the heights of the lanes, where they begin, and the height of all.
func drawHeights(lanes []Lane) (heights, tops []int, all int) {
	all = drawHead
	for _, l := range lanes {
		lines := len(wrapped(l.Label, drawLabelChars))
		for _, c := range l.Cells {
			lines = max(lines, len(wrapped(c.Text, drawChars)))
		}
		heights, tops = append(heights, lines*drawLine+6), append(tops, all)
		all += lines*drawLine + 6
	}
	return heights, tops, all + drawLine
}

func drawBox(b *bytes.Buffer, c Cell, x, y, height int) {
	fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d">`, c.Class, x, y, drawColumn, height)
	if c.Tip != "" {
		fmt.Fprintf(b, "<title>%s</title>", escaped(c.Tip))
	}
	b.WriteString("</rect>\n")
	class := ""
	if c.Same {
		class = "same"
	}
	drawLines(b, class, x+4, y, wrapped(c.Text, drawChars))
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
