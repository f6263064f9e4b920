package deb

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTake: an archive chooses neither where files are written nor what a link leads to.
func TestTake(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b")
	if err := makeDirs(dir); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	add := func(h tar.Header, text string) {
		h.Mode, h.Size = 0o644, int64(len(text))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	add(tar.Header{Name: "./usr/lib/modules/1/vmlinuz", Typeflag: tar.TypeDir}, "")
	add(tar.Header{Name: "./boot/vmlinuz-0", Typeflag: tar.TypeSymlink, Linkname: filepath.Join(root, "linked")}, "")
	add(tar.Header{Name: "./boot/config-0", Typeflag: tar.TypeLink, Linkname: "./boot/vmlinuz-0"}, "")
	if whole, err := take(bytes.NewReader(raw.Bytes()), dir); whole || err != nil {
		t.Errorf("%v, %v", whole, err)
	}
	if files, err := os.ReadDir(dir); len(files) != 0 || err != nil {
		t.Errorf("links made %v, %v", files, err)
	}
	for _, name := range []string{
		"../vmlinuz-1", "./boot/vmlinuz-/../../../vmlinuz", "../boot/vmlinuz-1", "/boot/vmlinuz-1", "./boot/x/vmlinuz-1",
		"./usr/lib/modules/vmlinuz", "./usr/lib/modules/1/kernel/config", "./vmlinuz", "./config", "./boot/System.map-1",
	} {
		add(tar.Header{Name: name, Typeflag: tar.TypeReg}, "wrong")
	}
	add(tar.Header{Name: "boot/vmlinuz-1", Typeflag: tar.TypeReg}, "image")
	add(tar.Header{Name: "boot/vmlinuz-2", Typeflag: tar.TypeReg}, "wrong") // one has one
	add(tar.Header{Name: "./boot/config-1", Typeflag: tar.TypeReg}, "config")
	raw.WriteString("what follows is not read")

	if whole, err := take(&raw, dir); !whole || err != nil {
		t.Errorf("%v, %v", whole, err)
	}
	var got []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, _ := os.ReadFile(path)
			got = append(got, strings.TrimPrefix(path, root)+" "+string(text))
		}
		return err
	})
	if strings.Join(got, ", ") != "/a/b/config config, /a/b/vmlinuz image" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestTooLarge: nothing is written of an entry that says it is larger than any kernel.
func TestTooLarge(t *testing.T) {
	dir := t.TempDir()
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	if err := w.WriteHeader(&tar.Header{Name: "./boot/vmlinuz-1", Size: maxBytes + 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := take(&raw, dir); err == nil || !strings.Contains(err.Error(), "vmlinuz has 268435457 bytes") {
		t.Error(err)
	}
	if files, err := os.ReadDir(dir); len(files) != 0 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
}
