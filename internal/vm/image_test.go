package vm

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bzImage is the beginning of a kernel image that says this of itself.
func bzImage(says string) []byte {
	b := make([]byte, 0x3000)
	copy(b[bootMagicAt:], bootMagic)
	binary.LittleEndian.PutUint16(b[bootVersionAt:], 0x1000)
	copy(b[0x1000+bootBase:], says+"\x00")
	return b
}

// fileOf writes a file and returns its path.
func fileOf(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestVersion reads images, and files that are none: each gives one line that names the file.
func TestVersion(t *testing.T) {
	const says = "6.1.0-56-amd64 (debian-kernel@lists.debian.org) #1 SMP"
	got, err := Version(fileOf(t, "bzImage", bzImage(says)))
	if err != nil || got != says {
		t.Errorf("got %q, %v", got, err)
	}
	mute := bzImage(says)
	binary.LittleEndian.PutUint16(mute[bootVersionAt:], 0)
	far := bzImage(says)
	binary.LittleEndian.PutUint16(far[bootVersionAt:], 0xffff)
	for name, data := range map[string][]byte{
		"empty": {}, "short": bzImage(says)[:bootVersionAt], "text": []byte(strings.Repeat("no kernel ", 200)), "mute": mute, "far": far,
	} {
		path := fileOf(t, name, data)
		if _, err := Version(path); err == nil || !strings.HasPrefix(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := Version(path); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}
