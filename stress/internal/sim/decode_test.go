package sim

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim/x86"
)

// images are whole programs in every layout and form, with all that stands around the bodies.
func images(t testing.TB) []*jit.Image {
	t.Helper()
	var out []*jit.Image
	infos := map[string]jit.MapInfo{table: {Addr: dataAt, MaxEntries: 2}}
	for _, l := range jit.Layouts() {
		for _, p := range []*jit.Program{caller(t, 2, 2), leaf(t, "leaf", 1), hierarchy(t), indirect(t), loadsOne(t)} {
			for jump := jit.JumpPlain; jump <= jit.JumpThunk; jump++ {
				leaving := *l
				leaving.Forms = jit.Forms{Jump: jump, Return: jit.ReturnForm(jump % 3)}
				img, err := jit.Compile(p, jit.Options{Layout: &leaving, Maps: infos})
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, img)
			}
		}
	}
	return out
}

// TestDecodesImages finds the starts that the compiler says, and no others.
func TestDecodesImages(t *testing.T) {
	for _, img := range images(t) {
		at := 0
		for _, s := range img.Starts {
			if at != int(s) {
				t.Fatalf("%s: decoded up to %#x, the compiler says that %#x is a start", img.Program.Name, at, s)
			}
			i := x86.Decode(img.Code[at:])
			if !i.Valid() {
				t.Fatalf("%s+%#x: no instruction is known", img.Program.Name, at)
			}
			at += i.Size()
		}
		if at != len(img.Code) {
			t.Errorf("%s: %#x bytes decoded of %#x", img.Program.Name, at, len(img.Code))
		}
	}
}

func TestUnsupported(t *testing.T) {
	for want, insns := range map[string][]asm.Instruction{
		"entry calls bpf_get_current_task_btf":        append([]asm.Instruction{asm.FnGetCurrentTaskBtf.Call()}, leafEnd...),
		"entry uses values, of which nothing is said": append([]asm.Instruction{asm.LoadMapPtr(asm.R1, 0).WithReference("values")}, leafEnd...),
	} {
		c := direct(t, 1, 1, 1)
		c.Entry = parse(t, "entry", insns...)
		if r := check(t, c); r.Verdict != protocol.Unsupported || !strings.HasPrefix(r.Reason, want) {
			t.Errorf("%+v, want %q", r, want)
		}
	}
}

// TestCompile: what is given to compile programs does so once for each, however many copies a script
// needs. What it gives may be an error, or code that is not known.
func TestCompile(t *testing.T) {
	compiled := map[string]int{}
	c := direct(t, 1, 1, 2)
	c.Script = script(t, whole+"delete 0\nput 0 0\n")
	c.Compile = func(p *jit.Program, l *jit.Layout, arrays map[string]jit.MapInfo) (*jit.Image, error) {
		compiled[p.Name]++
		return jit.Compile(p, jit.Options{Layout: l, Maps: arrays})
	}
	check(t, c)
	if diff := cmp.Diff(map[string]int{"entry": 1, "p0": 1, "p1": 1}, compiled); diff != "" {
		t.Errorf("compiled: want - got:\n%s", diff)
	}
	compile := c.Compile
	c.Compile = func(p *jit.Program, l *jit.Layout, arrays map[string]jit.MapInfo) (*jit.Image, error) {
		img, err := compile(p, l, arrays)
		if err == nil {
			img.Code[0] = 0xf4 // hlt
		}
		return img, err
	}
	if r := check(t, c); r.Verdict != protocol.Unsupported || !strings.HasPrefix(r.Reason, "entry+0x0: no instruction is known that begins with f4") {
		t.Errorf("%+v", r)
	}
	c.Compile = func(*jit.Program, *jit.Layout, map[string]jit.MapInfo) (*jit.Image, error) {
		return nil, errors.New("no")
	}
	if r, err := Check(t.Context(), c); err == nil || err.Error() != "machine: entry: no" {
		t.Errorf("%+v, %v", r, err)
	}
}
