package stress

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

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

// TestProgramsWithMaps runs programs with variables, hashes, per-CPU counts, helpers and packets
// while their keys change.
func TestProgramsWithMaps(t *testing.T) {
	if err := Missing(protocol.CPU); err != nil {
		t.Skip(err)
	}
	for object, entry := range map[string]string{"sockex3.o": "parse_ether", "tailcall.o": "chain_or_pair"} {
		target, err := LoadObject("internal/regress/bpf/"+object, entry)
		if err != nil {
			t.Fatal(err)
		}
		s := protocol.DefaultSubject()
		s.Shape = target.Shape(4)
		rep, err := Run(t.Context(), s, target, Options{Engines: []protocol.Engine{protocol.CPU}, Duration: 400 * time.Millisecond, Seed: 1})
		if err != nil {
			t.Errorf("%s: %v", object, err)
			continue
		}
		if v := rep.Verdicts[0]; v.Verdict == protocol.Violated || v.Executions == 0 {
			t.Errorf("%s: %+v", object, v)
		}
	}
}

// FuzzReadObject: no object file makes the loader panic, nor the compiler of what it loads.
func FuzzReadObject(f *testing.F) {
	f.Add(defaultObject, "dispatch")
	f.Add([]byte("\x7fELF"), "")
	for object, entry := range map[string]string{"sockex3.o": "parse_ether", "tracex5.o": "dispatch", "hierarchy.o": "root", "bpf2bpf.o": "both"} {
		raw, err := os.ReadFile("internal/regress/bpf/" + object)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, entry)
	}
	f.Fuzz(func(t *testing.T, raw []byte, entry string) {
		target, err := ReadObject("x.o", raw, entry)
		if err != nil {
			return
		}
		_ = target.check()
		if text, err := Disassemble(target, "v6.12"); err == nil && text == "" {
			t.Error("nothing to list")
		}
	})
}

// TestKernelConfig: what an object takes from the kernel's configuration is in a map that has no name
// before it is loaded, and is refused for what it is.
func TestKernelConfig(t *testing.T) {
	main := &ebpf.ProgramSpec{Name: "main", Type: ebpf.SchedCLS, Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R1, 0, 0).WithSymbol("main"), asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), asm.Return(),
	}}
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"main": main}}
	_, err := readCollection(spec, source{Name: "x.o", Entry: "main"})
	if want := "x.o: program main: variables of .kconfig are not supported"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
