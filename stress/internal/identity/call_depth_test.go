package identity

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// A countingKernel is what a kernel that counts calls has where, as few machines have one.
type countingKernel struct {
	form      jit.CallDepth
	depth     uint64         // the address of the count
	uncounted map[int32]bool // functions, by their distance
}

const (
	functionsAt = 0xffffffff81000000 // where distances count from
	programsAt  = 0xffffffffc0001234
)

// calls is a program that calls functions of the kernel, and then one of its own that does too.
func calls(distances ...int64) asm.Instructions {
	var insns asm.Instructions
	for _, d := range distances {
		insns = append(insns, asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Constant: d})
	}
	body := append(asm.Instructions{}, insns...)
	insns = append(insns, asm.Call.Label("sub"), asm.Return())
	body[0] = body[0].WithSymbol("sub")
	return append(append(insns, body...), asm.Return())
}

// load is what such a kernel shows of a program.
func (c countingKernel) load(t *testing.T, insns asm.Instructions) *readback {
	t.Helper()
	p, err := jit.ParseTranslated("test", insns)
	if err != nil {
		t.Fatal(err)
	}
	l := jit.V612
	l.CallDepth = c.form
	img, err := jit.Compile(p, jit.Options{Layout: &l, Uncounted: c.uncounted})
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range img.Refs {
		end := programsAt + uint64(ref.Off) + uint64(ref.Size)
		to := uint64(0)
		switch ref.Kind {
		case jit.RefHelper:
			to = functionsAt + uint64(p.Insns[ref.Insn].Constant) - end
		case jit.RefCallDepth:
			if to = c.depth; c.form == jit.CallDepthRelative {
				to -= end + 1
			}
		default:
			continue
		}
		binary.LittleEndian.PutUint32(img.Code[ref.Off:], uint32(to))
	}
	r := &readback{insns: insns}
	for _, f := range img.Funcs {
		r.funcs = append(r.funcs, machineFunc{programsAt + uint64(f.Off), img.Code[f.Off:][:f.Size]})
	}
	return r
}

// TestCallDepthForms: the form is told from the code of a call, and images of it are identical,
// wherever the count is and whichever functions are not counted.
func TestCallDepthForms(t *testing.T) {
	for _, c := range []countingKernel{
		{form: jit.CallDepthNone},
		{form: jit.CallDepthAbsolute, depth: 0x1b050},
		{form: jit.CallDepthRelative, depth: 0x1b050},
		{form: jit.CallDepthRelative, depth: 0xffffffffbf0f8020},
		{form: jit.CallDepthRelative, depth: 0x1b050, uncounted: map[int32]bool{7: true}},
		{form: jit.CallDepthAbsolute, depth: 0x1b050, uncounted: map[int32]bool{5: true, 7: true}},
	} {
		r := c.load(t, calls(5, 7, -9, 7))
		if got := callDepth(r.funcs[0].code); got != c.form {
			t.Errorf("%+v: form %d", c, got)
		}
		k := &Compiler{Layout: jit.V612}
		k.Layout.CallDepth = c.form
		b := book{}
		_, v, err := k.image("test", r, b)
		if err != nil || v != (verdict{}) {
			t.Errorf("%+v: %v, %+v", c, err, v)
		}
		if c.form != jit.CallDepthNone && (b["call depth"] != c.depth || b[countOf(-9)] != 1) {
			t.Errorf("%+v: the book has %v", c, b)
		}
	}
}

// TestCallDepthMustAgree has two images, each right by itself, that a kernel cannot have both.
func TestCallDepthMustAgree(t *testing.T) {
	for _, form := range []jit.CallDepth{jit.CallDepthAbsolute, jit.CallDepthRelative} {
		const depth = 0x1b050
		first := countingKernel{form, depth, map[int32]bool{7: true}}
		for _, tt := range []struct {
			second countingKernel
			want   string
		}{
			{first, ""},
			{countingKernel{form, depth + 8, first.uncounted}, "call depth lies at 0x1b050, and at 0x1b058"},
			{countingKernel{form, depth, map[int32]bool{5: true, 7: true}}, "calls of one function are counted, and are not"},
			{countingKernel{form, depth, nil}, "calls of one function are counted, and are not"},
		} {
			k, b := &Compiler{Layout: jit.V612}, book{}
			k.Layout.CallDepth = form
			for i, c := range []countingKernel{first, tt.second} {
				_, v, err := k.image("test", c.load(t, calls(5, 7, 11)), b)
				if err != nil {
					t.Fatal(err)
				}
				want := tt.want
				if i == 0 {
					want = ""
				}
				if (v.difference == "") != (want == "") || !strings.Contains(v.difference, want) {
					t.Errorf("form %d, image %d: %s\nwant %q", form, i, v.difference, want)
				}
			}
		}
	}
}

// TestCallDepthOfItsOwn: that calls of other functions may go without a count is no excuse for
// those of the program's own, nor for a kernel that counts in another form.
func TestCallDepthOfItsOwn(t *testing.T) {
	differs := func(ours jit.CallDepth, r *readback) {
		t.Helper()
		k := &Compiler{Layout: jit.V612}
		k.Layout.CallDepth = ours
		_, v, err := k.image("test", r, book{})
		if err != nil || !strings.Contains(v.difference, "function 0 has") || !strings.Contains(v.difference, " | ") {
			t.Errorf("form %d: %v, %q", ours, err, v.difference)
		}
	}
	for _, tt := range []struct{ ours, theirs jit.CallDepth }{
		{jit.CallDepthRelative, jit.CallDepthNone},
		{jit.CallDepthNone, jit.CallDepthRelative},
		{jit.CallDepthAbsolute, jit.CallDepthRelative},
	} {
		differs(tt.ours, countingKernel{form: tt.theirs}.load(t, calls(5, 7)))
	}
	fewer := countingKernel{form: jit.CallDepthRelative}.load(t, calls(5))
	fewer.insns = calls(5, 7) // the image is of another program
	differs(jit.CallDepthRelative, fewer)
}
