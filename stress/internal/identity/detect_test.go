package identity

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"pgregory.net/rapid"

	"tailpoke/jit"
)

// like compiles as a kernel of a layout would. Its images are shown as a kernel shows them.
func like(l *jit.Layout) func(ebpf.ProgramType, asm.Instructions) (*readback, error) {
	return func(_ ebpf.ProgramType, insns asm.Instructions) (*readback, error) {
		p, err := jit.Parse("probe", insns)
		if err != nil {
			return nil, err
		}
		p.Translated = true // the count of calls stands for itself
		img, err := jit.Compile(p, jit.Options{
			Layout: l, Maps: map[string]jit.MapInfo{"progs": {Addr: someAddr, MaxEntries: 4}}, Thunks: true,
		})
		if err != nil {
			return nil, err
		}
		return &readback{funcs: []machineFunc{{code: img.Code}}}, nil
	}
}

// drawKernel draws the facts that probes look for: not those of the seed alone, and none that another
// fact hides.
func drawKernel(t *rapid.T) *jit.Layout {
	l := *rapid.SampledFrom([]*jit.Layout{&jit.V510, &jit.V612}).Draw(t, "counter")
	flip := func(what string) bool { return rapid.Bool().Draw(t, what) }
	if flip("ibt") {
		l.IBT, l.AdjOff = true, l.AdjOff+4
	}
	l.OldNops, l.ShiftX, l.PlainXchg = flip("oldnops"), flip("bmi2"), flip("xchg")
	l.OldDivide, l.WideConstants, l.SavesRCX = flip("olddiv"), flip("wide"), flip("rcx")
	l.ReloadsForHelpers = flip("reload")
	l.UnroundedReload = l.ReloadsForHelpers && flip("unrounded")                    // of a reload
	l.LimitJAE = l.Counter.Calls == jit.CounterByValue && flip("jae")               // of a count
	l.Forms.Return = jit.ReturnForm(rapid.IntRange(0, 2).Draw(t, "return"))         // all there are
	l.Forms.Jump = jit.JumpForm(rapid.IntRange(0, int(jit.JumpThunk)).Draw(t, "j")) // likewise
	l.ShortJumpMax = rapid.Uint32Range(120, 127).Draw(t, "short")
	l.ArrayMaxEntries = 4 * rapid.Uint32Range(0, 25).Draw(t, "max_entries")
	l.ArrayPtrs = 8 * rapid.Uint32Range(20, 100).Draw(t, "ptrs")
	l.ProgFunc = 8 * rapid.Uint32Range(0, 15).Draw(t, "bpf_func")
	l.CallDepth = jit.CallDepth(rapid.IntRange(0, int(jit.CallDepthRelative)).Draw(t, "calldepth"))
	l.Name = l.String()
	return &l
}

// TestDetectsEveryFact: of a compiler of any facts the probes find these, and give them their name.
func TestDetectsEveryFact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawKernel(t)
		k, err := detect(like(want))
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if k.Layout != *want || k.PrivateStackMin != 0 {
			t.Fatalf("%s is taken for %s:\n%+v", want, &k.Layout, k.Layout)
		}
	})
}

// TestDetectNeedsAKernel: an error of a probe is told, and names no layout.
func TestDetectNeedsAKernel(t *testing.T) {
	broken := errors.New("out of order")
	ours, left := like(&jit.V70), 0
	for all := range 6 {
		left = all
		k, err := detect(func(kind ebpf.ProgramType, insns asm.Instructions) (*readback, error) {
			if left--; left < 0 {
				return nil, broken
			}
			return ours(kind, insns)
		})
		if !errors.Is(err, broken) || k != nil {
			t.Errorf("after %d probes: %v, %v", all, k, err)
		}
	}
}

// TestStandIns lists what stands for what names addresses of the kernel, and nothing else.
func TestStandIns(t *testing.T) {
	for want, k := range map[string]*Compiler{
		"": {Layout: jit.V70},
		"ret and four int3 for the jump to the return thunk": {Layout: jit.Layout{Forms: jit.Forms{Return: jit.ReturnThunk}}},
		"jmp rcx and three int3 for an indirect site's jump to a thunk (retpoline or ITS)": {
			Layout: jit.Layout{Forms: jit.Forms{Jump: jit.JumpThunk, Return: jit.ReturnTrap}}},
		"nops for the count of calls (call depth); the ordinary stack for a private one, " +
			"which programs without tail calls get from 64 bytes on": {Layout: jit.Layout{CallDepth: jit.CallDepthRelative}, PrivateStackMin: 64},
	} {
		if got := strings.Join(k.StandIns(), "; "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLayoutName: the running kernel's layout takes the place of its name, before what follows.
func TestLayoutName(t *testing.T) {
	for name, want := range map[string]string{
		"v5.10": "v5.10", "v6.12+ibt with limit=3": "v6.12+ibt with limit=3",
	} {
		if got, err := LayoutName(name); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for name, says := range map[string]string{"runningdog": `unknown layout "runningdog"`, "v6.12+cet": `no option "cet"`} {
		if _, err := LayoutName(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	k := compiler(t)
	for _, more := range []string{"", "+ibt", " with limit=34"} {
		got, err := LayoutName(Running + more)
		if err != nil || got != k.String()+more {
			t.Errorf("%s: %s, %v, want %s", more, got, err, k)
		}
	}
}
