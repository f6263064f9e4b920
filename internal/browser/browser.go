package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take for everything, on a machine that is busy.
const patience = 3 * time.Minute

// A Browser has one page open.
type Browser struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	requests []string
	complain []string
}

// New starts a browser, which ends with the test. Without a Chromium the test is skipped.
func New(t testing.TB) *Browser {
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
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	ctx, stop := context.WithTimeout(context.Background(), patience)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &Browser{t: t, ctx: ctx}
	_, failed := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	_, unlogged := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	if err := errors.Join(failed, unlogged, chromedp.Listen(ctx, b.note)); err != nil {
		t.Fatal(err)
	}
	return b
}

// note keeps what a page of its own must never do.
func (b *Browser) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *log.EventEntryAdded:
		b.complain = append(b.complain, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		b.complain = append(b.complain, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.complain = append(b.complain, fmt.Sprintf("console.%s", e.Type))
	}
}

// Do does what chromedp has actions for.
func (b *Browser) Do(all ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, all...); err != nil {
		b.t.Fatal(err)
	}
}

// Open shows a page, and forgets what others did.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.mu.Lock()
	b.requests, b.complain = nil, nil
	b.mu.Unlock()
	b.Do(chromedp.Navigate(url))
}

// Quiet fails if the page has complained, or has asked for something that is not allowed; nil allows
// what was opened alone.
func (b *Browser) Quiet(allowed func(url string) bool) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := slices.DeleteFunc(slices.Clone(b.requests), func(u string) bool {
		return strings.HasPrefix(u, "data:,") || allowed != nil && allowed(u)
	})
	if allowed == nil && len(asked) == 1 { // itself
		asked = nil
	}
	if len(asked) > 0 {
		b.t.Errorf("the page asks for %q", asked)
	}
	if len(b.complain) > 0 {
		b.t.Errorf("the console has %q", b.complain)
	}
}

// Press presses keys, one after the other.
func (b *Browser) Press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.Do(chromedp.KeyEvent(key))
	}
}

// Value is what a script has.
func (b *Browser) Value(script string) any {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return got
}

// Equal holds a script's value against another.
func (b *Browser) Equal(script string, want any) {
	b.t.Helper()
	if got := b.Value(script); fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("%s is %v, want %v", script, got, want)
	}
}

// Until waits for a script's value to be true.
func (b *Browser) Until(script string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](script)); err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
}

// Window gives the window a size, and a reader who likes pages light or dark.
func (b *Browser) Window(width, height int64, dark bool) {
	b.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	b.Do(chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// Picture is what the window shows, as PNG.
func (b *Browser) Picture() []byte {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	return picture
}
