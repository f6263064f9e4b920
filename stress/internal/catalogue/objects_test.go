package catalogue

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailpoke/stress/bpf"
	"tailpoke/stress/internal/identity"
)

// TestIdentityOfFolder: of a folder every object file is compared, and nothing else is looked at.
func TestIdentityOfFolder(t *testing.T) {
	dir := t.TempDir()
	object := bpf.Object(bpf.Tailcalls)
	big := append([]byte{}, object...)
	big[5] = 2 // the byte order of its ELF
	for name, data := range map[string][]byte{
		"deep/er/a.elf": object, "cut.o": object[:len(object)/2], "text.o": []byte("no object"), "z.o": object,
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	odd := filepath.Join(t.TempDir(), "big.o")
	if err := os.WriteFile(odd, big, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Identity(t.Context(), []string{dir, odd}, 0, 0, nil)
	if errors.Is(err, identity.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range r.Objects {
		names = append(names, filepath.Base(o.Name))
		if (o.Refused == "") != (o.Programs == 3) {
			t.Errorf("%+v", o)
		}
	}
	if got := strings.Join(names, " "); got != "cut.o a.elf z.o big.o" || r.Identical != 6 || !strings.HasPrefix(r.Objects[3].Refused, "made for a big-endian") {
		t.Errorf("%s: %+v", got, r.Objects)
	}
	for _, wrong := range []string{filepath.Join(dir, "text.o"), filepath.Join(dir, "none"), odd, t.TempDir()} {
		if _, err := Identity(t.Context(), []string{wrong}, 0, 0, nil); err == nil || errors.Is(err, identity.ErrUnsupported) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
