package deb

import (
	"errors"
	"strings"
	"testing"
)

// debian has kernels as Debian names them.
var debian = strings.Fields(`linux-image-5.10.0-46-amd64 linux-image-6.1.0-9-amd64 linux-image-6.1.0-56-amd64
	linux-image-6.1.0-57-rt-amd64 linux-image-6.1.0-57-cloud-amd64 linux-image-6.1.0-58-amd64-dbg linux-image-6.1.0-55-amd64-unsigned
	linux-image-6.12.9+bpo-amd64 linux-image-6.12.118+deb13-amd64 linux-image-6.12.118+deb13-cloud-amd64 linux-image-6.12.57+deb13-amd64
	linux-image-7.0-rc5-amd64 linux-image-7.0.4+deb13-amd64 linux-image-amd64 linux-image-6.1 linux-headers-6.1.0-99-amd64 linux-binary-7.9.9+deb13-amd64`)

func TestNewest(t *testing.T) {
	f := newFake(t)
	f.write("archive", strings.Join(debian, "\n"))
	for version, want := range map[string]string{
		"5": "5.10.0-46-amd64", "5.10": "5.10.0-46-amd64", "6": "6.12.118+deb13-amd64",
		"6.1": "6.1.0-56-amd64", "6.12": "6.12.118+deb13-amd64", "6.12.57": "6.12.57+deb13-amd64", "7.0": "7.0.4+deb13-amd64",
	} {
		if got, err := f.cache().Newest(t.Context(), version); got != want || err != nil {
			t.Errorf("%s: %s, %v", version, got, err)
		}
	}
	if asked := f.asked(); asked != "update" {
		t.Error(asked)
	}
	for version, want := range map[string]string{
		"": "is no version", "6.": "is no version", "-c": "is no version", "6.1.0-56-amd64": "is no version",
		"6.13": "deb: Debian has no kernel 6.13; near is ",
	} {
		if got, err := f.cache().Newest(t.Context(), version); got != "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s, %v", version, got, err)
		}
	}
}

// TestFetchVersion: a version alone stands for its newest kernel, here one without an image.
func TestFetchVersion(t *testing.T) {
	f := newFake(t)
	f.write("archive", strings.Join(debian, "\n"))
	if _, err := f.cache().Fetch(t.Context(), "6.1"); err == nil || !strings.HasSuffix(err.Error(), "no kernel image in linux-image-6.1.0-56-amd64") {
		t.Error(err)
	}
	if _, err := f.cache().Fetch(t.Context(), "6.13"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func TestHint(t *testing.T) {
	for name, want := range map[string]string{
		"6.1.0-66-amd64":    "; near is 6.1.0-56-amd64, 6.1.0-55-amd64, 6.1.0-9-amd64",
		"6.1.0-58-amd64-db": "; near is 6.1.0-56-amd64, 6.1.0-55-amd64, 6.1.0-9-amd64",
		"7.0.5+deb13-amd64": "; near is 7.0.4+deb13-amd64, 6.12.57+deb13-amd64, 6.12.118+deb13-amd64",
	} {
		if got := hint(name, debian); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := hint("1", nil); got != "" {
		t.Error(got)
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"6.1", "6.12", 1}, {"ab", "ba", 2},
	} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("%s, %s: %d", c.a, c.b, got)
		}
	}
}
