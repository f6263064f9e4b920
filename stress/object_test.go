package stress

import (
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

func TestDefaultTarget(t *testing.T) {
	target := DefaultTarget()
	if s := target.Shape(16); s != (protocol.Shape{Threads: 16, Sites: 3, Programs: 2, Keys: 3}) {
		t.Errorf("shape %+v", s)
	}
	if n := len(target.Entry.TailCalls); n != 4 {
		t.Errorf("%d tail calls, want three direct ones and an indirect one", n)
	}
	if len(target.Keys) != 4 {
		t.Errorf("keys %v", target.Keys)
	}
	if f := target.Entry.Funcs; len(f) != 2 || !f[1].HasTailCall {
		t.Errorf("functions %+v", f)
	}
}

func TestBadObjects(t *testing.T) {
	for name, tc := range map[string]struct {
		raw   []byte
		entry string
		want  string
	}{
		"empty":         {nil, "dispatch", "EOF"},
		"text":          {[]byte("int main(void) { return 0; }"), "dispatch", "bad magic"},
		"cut off":       {defaultObject[:len(defaultObject)/2], "dispatch", ""},
		"unknown entry": {defaultObject, "main", "dispatch parse_v1 parse_v2"},
	} {
		_, err := ReadObject("x.o", tc.raw, tc.entry)
		if err == nil || !strings.HasPrefix(err.Error(), "x.o: ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An entry without a direct site is a program, but no subject.
	target, err := ReadObject("x.o", defaultObject, "parse_v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := target.check(); err == nil {
		t.Error("an entry without tail calls was accepted")
	}
}

// FuzzReadObject: no object file makes the loader panic.
func FuzzReadObject(f *testing.F) {
	f.Add(defaultObject, "dispatch")
	f.Add([]byte("\x7fELF"), "")
	f.Fuzz(func(t *testing.T, raw []byte, entry string) {
		target, err := ReadObject("x.o", raw, entry)
		if err == nil {
			_ = target.check()
		}
	})
}
