package workload

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/bpf"
)

func TestDefault(t *testing.T) {
	w := Default()
	if s := w.Shape(16); s != (protocol.Shape{Threads: 16, Sites: 3, Programs: 2, Keys: 3}) {
		t.Errorf("shape %+v", s)
	}
	if n := len(w.Entry.TailCalls); n != 4 {
		t.Errorf("%d tail calls, want three direct ones and an indirect one", n)
	}
	if len(w.Keys) != 4 {
		t.Errorf("keys %v", w.Keys)
	}
	if f := w.Entry.Funcs; len(f) != 2 || !f[1].HasTailCall {
		t.Errorf("functions %+v", f)
	}
}

func TestBadObjects(t *testing.T) {
	object := bpf.Object(bpf.Tailcalls)
	for name, tc := range map[string]struct {
		raw   []byte
		entry string
		want  string
	}{
		"empty":         {nil, "dispatch", "no ELF file"},
		"text":          {[]byte("int main(void) { return 0; }"), "dispatch", "no ELF file"},
		"cut off":       {object[:len(object)/2], "dispatch", "cut off"},
		"without BTF":   {bytes.ReplaceAll(object, []byte("BTF\x00"), []byte("ETF\x00")), "dispatch", "maps in .maps need BTF: compile with -g"},
		"unknown entry": {object, "main", `no program "main"; there are: dispatch; without tail calls: parse_v1 parse_v2`},
		"no entry":      {object, "", "--object needs --entry, the name of the program that threads execute; there are: dispatch; without"},
	} {
		_, err := ReadObject("x.o", tc.raw, tc.entry)
		if err == nil || !strings.HasPrefix(err.Error(), "x.o: ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An entry without a direct site is a program, but no subject.
	w, err := ReadObject("x.o", object, "parse_v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Check(); err == nil {
		t.Error("an entry without tail calls was accepted")
	}
}

// FuzzReadObject: no object file makes the loader panic, nor the compiler of what it loads.
func FuzzReadObject(f *testing.F) {
	f.Add(bpf.Object(bpf.Tailcalls), "dispatch")
	f.Add([]byte("\x7fELF"), "")
	for object, entry := range map[string]string{"sockex3.o": "parse_ether", "tracex5.o": "dispatch", "hierarchy.o": "root", "bpf2bpf.o": "both"} {
		raw, err := os.ReadFile("../regress/bpf/" + object)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, entry)
	}
	raw, err := os.ReadFile("testdata/oldmaps.o")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(old(f, raw), "entry")
	if raw, err = os.ReadFile("testdata/ksym.o"); err != nil {
		f.Fatal(err)
	}
	f.Add(raw, "reads")
	f.Fuzz(func(t *testing.T, raw []byte, entry string) {
		w, err := ReadObject("x.o", raw, entry)
		if err != nil {
			return
		}
		_ = w.Check()
		if text, err := w.Disassemble("v6.12"); err == nil && text == "" {
			t.Error("nothing to list")
		}
	})
}

// TestKernelConfig: of what an object takes from the kernel's configuration nothing is known.
func TestKernelConfig(t *testing.T) {
	main := &ebpf.ProgramSpec{Name: "main", Type: ebpf.SchedCLS, Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R1, 0, 0).WithSymbol("main"), asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), asm.Return(),
	}}
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"main": main}}
	w, err := FromCollection(spec, Source{Name: "x.o", Entry: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Images(&jit.V612); err != nil {
		t.Errorf("images: %v", err)
	}
	if o, err := w.Oracle(t.Context(), &jit.V612, w.Context); err != nil || o.Unknown() == "" || len(o.Outcomes()) != 1 || !o.Outcomes()[0].Any {
		t.Errorf("%+v, %v", o, err)
	}
}
