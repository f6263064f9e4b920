package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Sizes, in pixels.
const (
	width  = 380
	above  = 24 // room for the title
	noted  = 14 // more, for a note below it
	left   = 46 // room for the numbers of the y axis
	bottom = 34 // room for those of the x axis, and what they are
	right  = 12
	names  = 58 // room for the names of lines
)

// A Chart is a drawing.
type Chart struct {
	Title  string
	Note   string // below the title
	Says   string // what is to be seen, in a sentence
	Height int    // of the plot, in pixels
	X, Y   Axis
	Lines  []Line
	Bars   []Bar
	Marks  []Mark
}

// An Axis is one of two. Of linear ones 0 is the least.
type Axis struct {
	Label    string  // the unit, in words
	Min, Max float64 // of a logarithmic one; Max of a linear one
	Log      bool
	Text     func(float64) string // of a number at the axis
}

// A Line goes from point to point.
type Line struct {
	Name   string // stands at its end; "" of the only one
	Points []Point
}

// A Point is one of a line.
type Point struct{ X, Y float64 }

// A Bar stands on the x axis.
type Bar struct{ From, To, Height float64 }

// A Mark is a place on the x axis with a name.
type Mark struct {
	At   float64
	Name string
}

// at is where a value lies along an axis, from 0 to 1.
func (a *Axis) at(v float64) float64 {
	if a.Log {
		return (math.Log10(v) - math.Log10(a.Min)) / (math.Log10(a.Max) - math.Log10(a.Min))
	}
	return v / a.Max
}

// ticks are the numbers at an axis: at most so many, or a decade each.
func (a *Axis) ticks(most int) []float64 {
	var out []float64
	if a.Log {
		first, last := math.Round(math.Log10(a.Min)), math.Round(math.Log10(a.Max))
		by := math.Ceil((last - first + 1) / float64(most+1))
		for e := first; e <= last; e += by {
			out = append(out, math.Pow(10, e))
		}
		return out
	}
	step := nice(a.Max / float64(most))
	for i := 0; float64(i)*step <= a.Max*1.0001; i++ {
		out = append(out, float64(i)*step)
	}
	return out
}

// nice is the least of 1, 2 and 5 times a power of ten that is no less.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*0.9999 {
			return m * power
		}
	}
	return 10 * power
}

// Linear is an axis from zero that has room for a value, up to a number that stands there.
func Linear(label string, most float64, text func(float64) string) Axis {
	step := nice(most / 4)
	return Axis{Label: label, Max: math.Max(math.Ceil(most/step-1e-9), 1) * step, Text: text}
}

// UpTo is an axis from zero that ends with a value.
func UpTo(label string, last float64, text func(float64) string) Axis {
	return Axis{Label: label, Max: math.Max(last, 1e-9), Text: text}
}

// Decades is a logarithmic axis of whole powers of ten around some values.
func Decades(label string, least, most float64, text func(float64) string) Axis {
	a := Axis{Label: label, Log: true, Text: text}
	a.Min, a.Max = math.Pow(10, math.Floor(math.Log10(least)+1e-9)), math.Pow(10, math.Ceil(math.Log10(most)-1e-9))
	if a.Max <= a.Min {
		a.Max = 10 * a.Min
	}
	return a
}

// SVG draws the chart.
func (c *Chart) SVG() string {
	var b strings.Builder
	top, high, wide := float64(above), float64(c.Height), float64(width-left-right)
	if c.Note != "" {
		top += noted
	}
	if len(c.Lines) > 1 {
		wide -= names
	}
	x := func(v float64) float64 { return left + wide*c.X.at(v) }
	y := func(v float64) float64 { return top + high*(1-c.Y.at(v)) }
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-label="%s">`,
		width, int(top)+c.Height+bottom, html.EscapeString(c.Title+". "+c.Says))
	c.text(&b, "title", 0, 12, "", c.Title)
	c.text(&b, "", 0, 27, "", c.Note)
	for _, v := range c.Y.ticks(4) {
		at := y(v)
		fmt.Fprintf(&b, `<path class="%s" d="M%d %.1fh%.1f"/>`, gridClass(v, &c.Y), left, at, wide)
		c.text(&b, "", left-5, at+3.5, "end", c.Y.Text(v))
	}
	for _, v := range c.X.ticks(6) {
		fmt.Fprintf(&b, `<path class="tick" d="M%.1f %.1fv4"/>`, x(v), top+high)
		c.text(&b, "", x(v), top+high+14, "middle", c.X.Text(v))
	}
	label := c.X.Label
	if c.X.Log {
		label += " (logarithmic)"
	}
	c.text(&b, "label", left+wide, top+high+28, "end", label)
	for _, bar := range c.Bars {
		fmt.Fprintf(&b, `<rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`,
			math.Max(x(bar.From), left)+.5, y(bar.Height), math.Max(x(bar.To)-math.Max(x(bar.From), left)-1, 1), top+high-y(bar.Height))
	}
	for i, m := range c.Marks { // the name of the first on its left, of others on their right, where there is room
		at, anchor, by := x(m.At), "start", 3.0
		fmt.Fprintf(&b, `<path class="mark" d="M%.1f %.1fv%.1f"/>`, at, top, high)
		if i == 0 {
			anchor, by = "end", -3
		}
		if i > 0 || at > left+30 {
			c.text(&b, "label", at+by, top+9, anchor, m.Name)
		}
	}
	c.lines(&b, x, y, left+wide)
	b.WriteString("</svg>")
	return b.String()
}

// lines draws the lines, with their names apart from each other.
func (c *Chart) lines(b *strings.Builder, x, y func(float64) float64, end float64) {
	lowest := math.Inf(1) // where the name above ends
	for i, l := range c.Lines {
		if len(l.Points) == 0 {
			continue
		}
		fmt.Fprintf(b, `<polyline class="line line%d" points="`, i)
		for n, p := range l.Points {
			if n > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(b, "%.1f,%.1f", x(p.X), y(p.Y))
		}
		b.WriteString(`"/>`)
		if len(c.Lines) < 2 {
			continue
		}
		at := y(l.Points[len(l.Points)-1].Y) + 3.5
		if math.Abs(at-lowest) < 12 {
			at = lowest - 12
		}
		lowest = at
		c.text(b, "name", end+5, at, "", l.Name)
	}
}

func (c *Chart) text(b *strings.Builder, class string, x, y float64, anchor, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f"`, x, y)
	for _, a := range [][2]string{{"class", class}, {"text-anchor", anchor}} {
		if a[1] != "" {
			fmt.Fprintf(b, ` %s="%s"`, a[0], a[1])
		}
	}
	fmt.Fprintf(b, ">%s</text>", html.EscapeString(text))
}

func gridClass(v float64, a *Axis) string {
	if v == 0 || a.Log && v <= a.Min*1.0001 {
		return "zero"
	}
	return "grid"
}
