package deb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNetwork fetches kernels of three eras from Debian.
func TestNetwork(t *testing.T) {
	if os.Getenv("TAILPOKE_NETWORK") != "1" {
		t.Skip("needs the network: TAILPOKE_NETWORK=1")
	}
	cache := Cache{Dir: filepath.Join(t.TempDir(), "a cache"), Say: func(text string) { t.Log(text) }}
	for _, name := range []string{"5.10.0-46-amd64", "6.1.0-56-amd64", "7.3.4+deb13-amd64"} {
		start := time.Now()
		path, err := cache.Fetch(t.Context(), name)
		if err != nil {
			t.Error(err)
			continue
		}
		image, err := os.ReadFile(path)
		if err != nil || len(image) < 1<<20 || string(image[0x202:0x206]) != "HdrS" {
			t.Errorf("%s: %d bytes, %v: no image", name, len(image), err)
		}
		config, err := os.ReadFile(filepath.Join(filepath.Dir(path), "config"))
		if err != nil || !strings.Contains(string(config), "CONFIG_BPF_JIT=y") {
			t.Errorf("%s: %d bytes, %v: no config", name, len(config), err)
		}
		t.Logf("%s: %d bytes after %.1f s", name, len(image), time.Since(start).Seconds())
	}
	_, err := cache.Fetch(t.Context(), "6.1.0-99-amd64")
	if err == nil || !strings.Contains(err.Error(), "near is 6.1.0-") {
		t.Error(err)
	}
	t.Log(err)
	if newest, err := cache.Newest(t.Context(), "6.1"); err != nil || !strings.HasPrefix(newest, "6.1.0-") {
		t.Errorf("%s, %v", newest, err)
	}
	// What Debian has not signed is refused: here the keys are not Debian's.
	keys := filepath.Join(t.TempDir(), "keys.gpg")
	if err := os.WriteFile(keys, []byte("none"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Cache{Dir: t.TempDir(), keyrings: []string{keys}}.Fetch(t.Context(), "6.1.0-56-amd64")
	if err == nil || !strings.Contains(err.Error(), "is not signed") {
		t.Error(err)
	}
	t.Log(err)
}
