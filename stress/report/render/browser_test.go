package render

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tailpoke/stress/report"
)

var visible = flag.Bool("pages", false, "keep the pages of TestBrowser in testdata/pages")

// patience is how long a browser may take for everything, on a machine that is busy.
const patience = 2 * time.Minute

// A browser has one page open, and notes what it asks the network for and what it complains about.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	complain []string
}

// newBrowser starts a headless Chromium without a network.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium to look at pages with")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"))
	ctx, stop := context.WithTimeout(context.Background(), patience)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{t: t, ctx: ctx}
	_, failed := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	_, unlogged := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	if err := errors.Join(failed, unlogged, chromedp.Listen(ctx, b.note)); err != nil {
		t.Fatal(err)
	}
	return b
}

// note keeps what a page of its own must never do.
func (b *browser) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *log.EventEntryAdded:
		b.complain = append(b.complain, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		b.complain = append(b.complain, fmt.Sprintf("exception: %s", e.ExceptionDetails.Text))
	case *runtime.EventConsoleAPICalled:
		b.complain = append(b.complain, fmt.Sprintf("console.%s", e.Type))
	}
}

func (b *browser) do(all ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, all...); err != nil {
		b.t.Fatal(err)
	}
}

// open shows a page.
func (b *browser) open(name string, content []byte) {
	b.t.Helper()
	dir := b.t.TempDir()
	if *visible {
		dir = filepath.Join("testdata", "pages")
		if err := os.MkdirAll(dir, 0o777); err != nil {
			b.t.Fatal(err)
		}
	}
	file, err := filepath.Abs(filepath.Join(dir, name+".html"))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o666); err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.requests, b.complain = nil, nil
	b.mu.Unlock()
	b.do(chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()))
	// What a driver does may scroll or focus; a reader's page begins with the focus nowhere.
	b.equal("document.activeElement === document.body", true)
}

// quiet fails if the page has asked for more than itself, or has complained.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := slices.DeleteFunc(slices.Clone(b.requests), func(u string) bool { return strings.HasPrefix(u, "data:,") })
	if len(asked) != 1 {
		b.t.Errorf("the page asks for %q, want itself alone", asked)
	}
	if len(b.complain) > 0 {
		b.t.Errorf("the console has %q", b.complain)
	}
}

// press presses keys, one after the other.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// equal holds a script's value against another.
func (b *browser) equal(script string, want any) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("%s is %v, want %v", script, got, want)
	}
}

// until waits for a script's value to be true.
func (b *browser) until(script string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](script)); err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
}

func pageFor(t *testing.T, d *report.Document) []byte {
	t.Helper()
	return []byte(written(t, formatNamed(t, "html"), d))
}

const (
	status  = `document.querySelector(".witness [role=status]").textContent`
	current = `document.querySelector(".witness [aria-current=step] th").textContent`
)

// TestBrowser: in a real browser a reader gets to the counterexample and through it with keys alone,
// filters findings, and the page asks nobody for anything and complains of nothing.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("short: starts a browser")
	}
	b := newBrowser(t)
	d := documents()["violated"]
	d.Verdicts[0].Witness = longWitness()
	b.open("violated", pageFor(t, d))
	n := len(d.Verdicts[0].Witness.Steps)
	b.equal(`document.querySelectorAll(".lanes tbody tr").length`, n+1)

	b.press(kb.Tab, kb.Enter) // the first thing on the page leads to the counterexample
	b.until(`document.activeElement.className === "witness"`)
	for step := 1; step <= n; step++ {
		b.press(kb.ArrowRight)
		b.equal(current, step)
	}
	b.equal(status+`.includes("violates never-a")`, true)
	b.equal(`document.querySelector("[data-go=on]").disabled`, true)
	b.press(kb.ArrowRight) // there is no more
	b.equal(current, n)
	b.press(kb.ArrowLeft, kb.ArrowUp)
	b.equal(current, n-2)
	b.press(kb.Home)
	b.equal(current, 0)
	b.press(kb.End)
	b.equal(current, n)
	b.equal(`document.querySelector(".forbidden").textContent`, "bypass nop, target nop: state A, forbidden")

	// With the mouse: a row, a button, the slider.
	b.do(chromedp.Click(`.lanes tbody tr:nth-child(2) .does`))
	b.equal(current, 1)
	b.do(chromedp.Click(`[data-go=on]`))
	b.equal(current, 2)
	b.do(chromedp.Focus(`.steps input`))
	b.press(kb.ArrowRight)
	b.equal(current, 3)

	const shown = `[...document.querySelectorAll("#findings tbody tr")].filter((r) => r.offsetParent).length`
	b.equal(shown, 2)
	b.do(chromedp.SendKeys(`#findings input`, "holds TARGET"))
	b.equal(shown, 1)
	b.equal(`document.querySelector("#findings output").textContent`, "1 of 2 findings")
	b.do(chromedp.SendKeys(`#findings input`, " nowhere"))
	b.equal(shown, 0)
	b.press(kb.Home) // keys of a field are its own
	b.equal(current, 3)
	b.quiet()

	b.open("hostile", pageFor(t, hostile()))
	b.press(kb.ArrowRight, kb.ArrowRight)
	b.equal(current, 2)
	b.equal(`typeof hit + document.images.length + document.scripts.length`, "undefined03")
	b.quiet()

	for name, d := range documents() { // every kind of page works, if only by itself
		b.open(name, pageFor(t, d))
		b.equal(`document.documentElement.classList.contains("on")`, true)
		b.quiet()
	}
}
