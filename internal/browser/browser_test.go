package browser

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// scripts/pictures takes pictures by this test.
var (
	address = flag.String("url", "", "page to look at")
	picture = flag.String("picture", "", "file for a picture of it")
	width   = flag.Int64("width", 360, "width of the window")
	height  = flag.Int64("height", 240, "height of the window")
	dark    = flag.Bool("dark", false, "look at it as one who prefers dark pages")
)

const small = `<!DOCTYPE html><title>a</title><link rel="icon" href="data:,"><p>text`

// TestBrowser: what a page asks for and complains of is noted, and its picture has the window's size.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("short: starts a browser")
	}
	b := New(t)
	at := *address
	if at == "" {
		at = page(t, small)
	}
	b.Window(*width, *height, *dark)
	b.Open(at)
	got := b.Picture()
	config, err := png.DecodeConfig(bytes.NewReader(got))
	if err != nil || int64(config.Width) != *width || int64(config.Height) != *height {
		t.Errorf("a picture of %d by %d: %v", config.Width, config.Height, err)
	}
	if *picture != "" {
		if err := os.WriteFile(*picture, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	b.Quiet(nil)
	b.Equal(`document.title + matchMedia("(prefers-color-scheme: dark)").matches`, "afalse")
	b.Open(page(t, small+`<img src="http://host.example/b.png"><script>console.log(1); undefined.x</script>`))
	if b.Value("1"); len(b.requests) != 2 || len(b.complain) < 2 {
		t.Errorf("of a page that asks and complains it noted %q and %q", b.requests, b.complain)
	}
}

// page is the address of a file with a text.
func page(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.html")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return "file://" + file
}
