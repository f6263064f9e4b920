package deb

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fake is a Debian without network: programs of that name, which write what they are asked for
// in a log. A package is an archive of entries; what apt downloads is its name.
type fake struct {
	t    *testing.T
	dir  string
	said []string
}

var programs = map[string]string{
	"apt-get": `#!/bin/sh
echo "apt-get $*" >>"$FAKE/log"
[ "$1" = -c ] && [ -f "$2" ] || exit 9
shift 3
[ -f "$FAKE/hang-$1" ] && { echo $$ >"$FAKE/pid"; echo half >half.deb; sleep 600 & wait; }
[ -f "$FAKE/fail-$1" ] && { echo "W: first a warning" >&2; cat "$FAKE/fail-$1" >&2; exit 100; }
case $1 in
update) cp "$FAKE/archive" "$FAKE/names" ;;
download) echo "$2" >"$2_1_amd64.deb" ;;
*) exit 9 ;;
esac
`,
	"apt-cache": `#!/bin/sh
[ -f "$2" ] && [ "$3" = pkgnames ] || exit 9
cat "$FAKE/names"
`,
	"dpkg-deb": `#!/bin/sh
[ "$1" = --fsys-tarfile ] || exit 9
cat "$FAKE/tar/$(cat "$2")"
[ ! -f "$FAKE/long" ] || head -c 1000000 /dev/zero
[ ! -f "$FAKE/fail-dpkg" ] || { echo "dpkg-deb: error: no space" >&2; exit 2; }
`,
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, dir: t.TempDir()}
	if err := makeDirs(filepath.Join(f.dir, "bin"), filepath.Join(f.dir, "tar")); err != nil {
		t.Fatal(err)
	}
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(f.dir, "bin", name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"names", "archive", "log"} {
		f.write(name, "")
	}
	f.write("keys", "any")
	t.Setenv("FAKE", f.dir)
	t.Setenv("PATH", filepath.Join(f.dir, "bin")+":"+os.Getenv("PATH"))
	return f
}

func (f *fake) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) read(name string) string {
	f.t.Helper()
	raw, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(raw)
}

// has gives the archive a package with files, as pairs of name and content.
func (f *fake) has(pkg string, files ...string) {
	f.t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		h := &tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}
		if err := w.WriteHeader(h); err != nil {
			f.t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.write("tar/"+pkg, out.String())
	f.write("archive", f.read("archive")+pkg+"\n")
}

// cache is empty at first. Its path has a blank, as that of a user may.
func (f *fake) cache() Cache {
	return Cache{
		Dir:      filepath.Join(f.dir, "a cache"),
		Say:      func(text string) { f.said = append(f.said, text) },
		keyrings: []string{filepath.Join(f.dir, "missing"), filepath.Join(f.dir, "keys")},
	}
}

// asked is what apt-get was asked for, without the configuration, and forgets it.
func (f *fake) asked() string {
	f.t.Helper()
	var out []string
	for line := range strings.Lines(f.read("log")) {
		_, verb, _ := strings.Cut(strings.TrimSpace(line), " -q ")
		out = append(out, strings.TrimPrefix(verb, "download "))
	}
	f.write("log", "")
	return strings.Join(out, ", ")
}

// left lists what is in the cache, apt's own and the lock aside.
func (f *fake) left() string {
	f.t.Helper()
	dirs, err := os.ReadDir(f.cache().Dir)
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	var out []string
	for _, d := range dirs {
		if d.Name() != "apt" && d.Name() != "lock" {
			out = append(out, d.Name())
		}
	}
	return strings.Join(out, ", ")
}
