package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func plain(v float64) string { return fmt.Sprint(v) }

// TestAxes: numbers at an axis are round, begin at zero or at a power of ten, and what is drawn has room.
func TestAxes(t *testing.T) {
	a := Linear("", 1234, plain)
	if got, want := a.ticks(4), []float64{0, 500, 1000, 1500}; !slices.Equal(got, want) {
		t.Errorf("ticks up to 1234 are %v, want %v", got, want)
	}
	d := Decades("", 0.004, 0.7, plain)
	if d.Min != 0.001 || math.Abs(d.Max-1) > 1e-9 {
		t.Errorf("decades from %v to %v", d.Min, d.Max)
	}
	if n := len(d.ticks(4)); n != 4 {
		t.Errorf("%d numbers at three decades", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.Float64Range(0, 1e15).Draw(t, "most")
		a := Linear("", most, plain)
		if at := a.at(most); at < 0 || at > 1.0001 {
			t.Fatalf("%v lies at %v of an axis up to %v", most, at, a.Max)
		}
		if n := len(a.ticks(4)); n < 2 || n > 6 {
			t.Fatalf("%d numbers at an axis up to %v", n, a.Max)
		}
		least := rapid.Float64Range(1e-9, 1e9).Draw(t, "least")
		d := Decades("", least, least*rapid.Float64Range(1, 1e6).Draw(t, "times"), plain)
		if at := d.at(least); at < -1e-9 || at > 1 {
			t.Fatalf("%v lies at %v of decades from %v to %v", least, at, d.Min, d.Max)
		}
	})
}

// TestSVG: a drawing is XML whatever its texts are, has its zero, and each line has its name.
func TestSVG(t *testing.T) {
	c := Chart{
		Title: `a <b> & "c"`, Note: "a note", Says: "rises", Height: 100,
		X: Linear("minutes", 10, plain), Y: Linear("things", 7, plain),
		Lines: []Line{
			{"first", []Point{{0, 0}, {5, 3}, {10, 7}}}, {"second", []Point{{0, 7}, {10, 7}}}, {"none", nil},
		},
		Bars: []Bar{{1, 2, 3}}, Marks: []Mark{{4, "median"}, {9, "late"}},
	}
	svg := c.SVG()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		`class="zero"`, `>first</text>`, `>second</text>`, `>minutes</text>`, `>median</text>`, `points="46.0,138.0`, `>a note</text>`,
		`aria-label="a &lt;b&gt; &amp; &#34;c&#34;. rises"`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("the drawing lacks %s:\n%s", want, svg)
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Errorf("the drawing has no numbers: %s", svg)
	}
}
