package deb

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestPackages asks for packages in the right order, and for none that is not needed.
func TestPackages(t *testing.T) {
	const boot, modules = "./boot/vmlinuz-1", "./usr/lib/modules/1/vmlinuz"
	for name, c := range map[string]struct {
		packages      map[string][]string
		asked, config string
	}{
		"signed": {map[string][]string{
			"linux-image-1":          {"./boot/config-1", "c", boot, "image"},
			"linux-image-1-unsigned": {boot, "wrong"},
			"linux-base-1":           {"./usr/lib/modules/1/config", "wrong"},
		}, "update, linux-image-1", "c"},
		"unsigned": {map[string][]string{
			"linux-image-1-unsigned": {boot, "image", "./boot/config-1", "c"},
			"linux-binary-1":         {modules, "wrong"},
		}, "update, linux-image-1-unsigned", "c"},
		"binary": {map[string][]string{
			"linux-image-1":           {"./usr/share/doc/linux-image-1", "text"},
			"linux-binary-1":          {modules, "image"},
			"linux-binary-unsigned-1": {modules, "wrong"},
			"linux-base-1":            {"./usr/lib/modules/1/config", "c"},
		}, "update, linux-image-1, linux-binary-1, linux-base-1", "c"},
		"no config": {map[string][]string{
			"linux-binary-unsigned-1": {"./lib/modules/1/vmlinuz", "image"},
		}, "update, linux-binary-unsigned-1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			for pkg, files := range c.packages {
				f.has(pkg, files...)
			}
			f.write("long", "") // more than a pipe holds follows what is read
			path, err := f.cache().Fetch(t.Context(), "1")
			if err != nil {
				t.Fatal(err)
			}
			if path != filepath.Join(f.cache().Dir, "1", "vmlinuz") {
				t.Error(path)
			}
			if image := f.read("a cache/1/vmlinuz"); image != "image" {
				t.Error(image)
			}
			if config, _ := os.ReadFile(filepath.Join(f.cache().Dir, "1", "config")); string(config) != c.config {
				t.Errorf("%s", config)
			}
			if asked := f.asked(); asked != c.asked {
				t.Error(asked)
			}
			if left := f.left(); left != "1" {
				t.Error(left)
			}
		})
	}
}

// TestNotTwice: neither a kernel nor the lists are downloaded again, until the lists are old.
func TestNotTwice(t *testing.T) {
	f := newFake(t)
	f.has("linux-image-1", "./boot/vmlinuz-1", "image")
	f.has("linux-image-2", "./boot/vmlinuz-2", "image")
	f.has("linux-image-3", "./boot/vmlinuz-3", "image")
	fetch := func(name, want string) {
		t.Helper()
		if _, err := f.cache().Fetch(t.Context(), name); err != nil {
			t.Error(err)
		}
		if asked := f.asked(); asked != want {
			t.Errorf("%q", asked)
		}
	}
	fetch("1", "update, linux-image-1")
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	sources := filepath.Join(f.cache().Dir, "apt", "sources.list")
	if err := os.Chtimes(sources, long, long); err != nil {
		t.Fatal(err)
	}
	fetch("1", "")
	fetch("2", "linux-image-2")
	if info, err := os.Stat(sources); err != nil || !info.ModTime().Equal(long) {
		t.Errorf("%v: the sources are written again", err)
	}
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(filepath.Join(f.cache().Dir, "apt", "updated"), old, old); err != nil {
		t.Fatal(err)
	}
	fetch("1", "")
	fetch("3", "update, linux-image-3")
	f.has("linux-image-4", "./boot/vmlinuz-4", "image") // since the last update
	fetch("4", "update, linux-image-4")
	// What is there needs no apt.
	t.Setenv("PATH", filepath.Join(f.dir, "tar"))
	if _, err := f.cache().Fetch(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if said := strings.Count(strings.Join(f.said, "\n"), "fetching linux-image-"); said != 4 {
		t.Errorf("%q", f.said)
	}
}

// TestUserCache: the cache of Fetch is the user's.
func TestUserCache(t *testing.T) {
	f := newFake(t)
	t.Setenv("HOME", f.dir)
	t.Setenv("XDG_CACHE_HOME", f.dir)
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "tailpoke", "kernels", "1", "vmlinuz")
	if err := makeDirs(filepath.Dir(want)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, []byte("image"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Fetch(t.Context(), "1", nil); got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// TestBadNames are refused before anything is done.
func TestBadNames(t *testing.T) {
	f := newFake(t)
	for _, name := range []string{"", " ", "-c", "1/2", "../1", "1 2", "1\n", "apt", "lock", "amd64", ".", "1;", "1*"} {
		f.has("linux-image-"+strings.ReplaceAll(name, "/", "_"), "./boot/vmlinuz-1", "image")
		_, err := f.cache().Fetch(t.Context(), name)
		if err == nil || !strings.Contains(err.Error(), "names no kernel") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if asked := f.asked(); asked != "" {
		t.Error(asked)
	}
	if _, err := os.Stat(f.cache().Dir); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// TestErrors are of one line, and leave nothing that would be taken for a kernel.
func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(f *fake)
		want  string
	}{
		"update":   {func(f *fake) { f.write("fail-update", "E: no network\nE: more\n") }, "deb: apt-get: no network"},
		"download": {func(f *fake) { f.write("fail-download", "E: gone\n") }, "deb: apt-get: gone"},
		"unpack":   {func(f *fake) { f.write("fail-dpkg", "") }, "deb: dpkg-deb: dpkg-deb: error: no space"},
		"half":     {func(f *fake) { f.write("tar/linux-image-1", f.read("tar/linux-image-1")[:514]) }, "unexpected EOF"},
		"no image": {func(f *fake) { f.write("tar/linux-image-1", f.read("tar/other")) }, "deb: no kernel image in linux-image-1"},
		"empty":    {func(f *fake) { f.write("tar/linux-image-1", f.read("tar/empty")) }, "deb: no kernel image in linux-image-1"},
		"missing": {func(f *fake) { f.write("archive", "linux-image-12\nlinux-image-1-dbg\nlinux-image-amd64\n") },
			"deb: Debian has no kernel 1; near is 12"},
		"keys":     {func(f *fake) { _ = os.Remove(filepath.Join(f.dir, "keys")) }, "debian-archive-keyring"},
		"programs": {func(f *fake) { f.t.Setenv("PATH", filepath.Join(f.dir, "tar")) }, "deb: needs apt-get and dpkg-deb"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.has("linux-image-1", "./boot/vmlinuz-1", "image")
			f.has("other", "./usr/share/doc/x", "text")
			f.has("empty", "./boot/vmlinuz-1", "")
			c.spoil(f)
			path, err := f.cache().Fetch(t.Context(), "1")
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || path != "" {
				t.Errorf("%s, %v", path, err)
			}
			if left := f.left(); left != "" {
				t.Error(left)
			}
		})
	}
}

// TestPartOfTheIndex: lists that could not be had are no error, if the others have the kernel.
func TestPartOfTheIndex(t *testing.T) {
	f := newFake(t)
	f.has("linux-image-1", "./boot/vmlinuz-1", "image")
	f.write("names", "linux-image-1\n")
	f.write("fail-update", "E: no such suite\n")
	if _, err := f.cache().Fetch(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if asked := f.asked(); asked != "update, linux-image-1" {
		t.Error(asked)
	}
	// Its failure is no update, so that the next one tries again.
	if _, err := os.Stat(filepath.Join(f.cache().Dir, "apt", "updated")); err == nil {
		t.Error("counts as an update")
	}
}

// TestLeftBehind: what one that was ended by force has left is no kernel, and is removed.
func TestLeftBehind(t *testing.T) {
	f := newFake(t)
	f.has("linux-image-1", "./boot/vmlinuz-1", "image")
	for _, half := range []string{"new/1/vmlinuz", "new/download/half.deb", "1/other"} {
		path := filepath.Join(f.cache().Dir, half)
		if err := makeDirs(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
		f.write("a cache/"+half, "half")
	}
	if _, err := f.cache().Fetch(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if image := f.read("a cache/1/vmlinuz"); image != "image" || f.left() != "1" {
		t.Errorf("%q, %s", image, f.left())
	}
}

// TestTogether: of many that want one kernel, one fetches it.
func TestTogether(t *testing.T) {
	f := newFake(t)
	f.has("linux-image-1", "./boot/vmlinuz-1", "image")
	cache := f.cache()
	cache.Say = nil
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := cache.Fetch(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if asked := f.asked(); asked != "update, linux-image-1" {
		t.Error(asked)
	}
}
