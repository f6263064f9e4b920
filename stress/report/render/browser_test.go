package render

import (
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tailpoke/internal/browser"
	"tailpoke/stress/report"
)

var kept = flag.String("pages", "", "folder to keep the pages of TestBrowser in")

// openPage shows a document's page.
func openPage(t *testing.T, b *browser.Browser, name string, d *report.Document) {
	t.Helper()
	dir := *kept
	if dir == "" {
		dir = t.TempDir()
	}
	file, err := filepath.Abs(filepath.Join(dir, name+".html"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pageFor(t, d), 0o666); err != nil {
		t.Fatal(err)
	}
	b.Open((&url.URL{Scheme: "file", Path: file}).String())
}

func pageFor(t *testing.T, d *report.Document) []byte {
	t.Helper()
	return []byte(written(t, formatNamed(t, "html"), d))
}

// current is the step that a counterexample shows.
const current = `document.querySelector(".witness [aria-current=step] th").textContent`

// TestBrowser: in a real browser a reader gets to the counterexample and through it with keys alone,
// filters findings, and the page asks nobody for anything and complains of nothing.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("short: starts a browser")
	}
	b := browser.New(t)
	d := documents()["violated"]
	d.Verdicts[0].Witness = longWitness()
	openPage(t, b, "violated", d)
	stepWithKeys(b, len(d.Verdicts[0].Witness.Steps))
	stepWithMouse(b)
	filterFindings(b)
	b.Quiet(nil)

	b.Equal(`location.hash`, "#witness-model:3") // a step has an address
	b.Do(chromedp.Reload())
	b.Equal(current, 3)

	openPage(t, b, "hostile", hostile())
	b.Press(kb.ArrowRight, kb.ArrowRight)
	b.Equal(current, 2)
	b.Equal(`typeof hit + document.images.length + document.scripts.length`, "undefined03")
	b.Quiet(nil)

	all := documents()
	all["violated"] = d
	all["soak"] = soakDocument()
	b.Window(360, 780, true)
	for _, name := range []string{"violated", "soak", "kernel", "mutants", "matrix", "search", "list", "failed"} {
		openPage(t, b, name, all[name]) // in a narrow window
		b.Press(kb.ArrowRight, kb.ArrowRight)
		b.Equal(`document.documentElement.classList.contains("on")`, true)
		if wide := b.Value(`document.documentElement.scrollWidth`); wide.(float64) > 360 {
			t.Errorf("%s is %v px wide in a window of 360", name, wide)
		}
		b.Equal(`[...document.querySelectorAll(".state")].every((s) => s.scrollWidth <= s.clientWidth)`, true)
		b.Quiet(nil)
	}
}

func stepWithKeys(b *browser.Browser, n int) {
	b.Equal(`document.querySelectorAll(".lanes tbody tr").length`, n+1)
	b.Press(kb.Tab, kb.Enter) // the first thing on the page leads to the counterexample
	b.Until(`document.activeElement.className === "witness"`)
	for step := 1; step <= n; step++ {
		b.Press(kb.ArrowRight)
		b.Equal(current, step)
	}
	b.Equal(`document.querySelector(".witness [role=status]").textContent.includes("violates never-a")`, true)
	b.Equal(`document.querySelector("[data-go=on]").disabled`, true)
	b.Press(kb.ArrowRight) // there is no more
	b.Equal(current, n)
	b.Press(kb.ArrowLeft, kb.ArrowUp)
	b.Equal(current, n-2)
	b.Press(kb.Home)
	b.Equal(current, 0)
	b.Press(kb.End)
	b.Equal(current, n)
	b.Equal(`document.querySelector(".forbidden").textContent`, "bypass nop, target nop: state A, forbidden")
}

func stepWithMouse(b *browser.Browser) {
	b.Do(chromedp.Click(`.lanes tbody tr:nth-child(2) .does`))
	b.Equal(current, 1)
	b.Do(chromedp.Click(`[data-go=on]`))
	b.Equal(current, 2)
	b.Do(chromedp.Focus(`.steps input`))
	b.Press(kb.ArrowRight)
	b.Equal(current, 3)
}

func filterFindings(b *browser.Browser) {
	const shown = `[...document.querySelectorAll("#findings tbody tr")].filter((r) => r.offsetParent).length`
	b.Equal(shown, 2)
	b.Do(chromedp.SendKeys(`#findings input`, "holds TARGET"))
	b.Equal(shown, 1)
	b.Equal(`document.querySelector("#findings output").textContent`, "1 of 2 findings")
	b.Do(chromedp.SendKeys(`#findings input`, " nowhere"))
	b.Equal(shown, 0)
	b.Press(kb.Home) // keys of a field are its own
	b.Equal(current, 3)
}
