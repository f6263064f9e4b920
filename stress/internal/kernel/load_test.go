package kernel

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tailpoke/internal/source"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/live"
)

// names makes a program of the rig load a map, and nothing more.
func names(c *Config, program, m string) {
	p := c.Spec.Programs[program]
	load := asm.LoadMapPtr(asm.R2, 0).WithReference(m)
	p.Instructions = slices.Insert(p.Instructions, 1, load)
}

// TestRefusedByKernel: what the kernel does not take is no error of the run, and the reason is one
// line that names the part.
func TestRefusedByKernel(t *testing.T) {
	returnsNothing := func(c *Config, program string) {
		c.Spec.Programs[program].Instructions = asm.Instructions{asm.Return().WithSymbol(program)}
	}
	for _, tc := range []struct {
		name, want string
		change     func(*Config)
	}{
		{"program", "program p1: the verifier says: R0 !read_ok", func(c *Config) { returnsNothing(c, "p1") }},
		{"entry", "program entry: the verifier says: R0 !read_ok", func(c *Config) { returnsNothing(c, "entry") }},
		{"types", "program p0 in prog array progs, whose callers differ from it in more than their type: update: invalid argument", func(c *Config) { c.Spec.Programs["entry"].Type = ebpf.XDP }},
		{"map", "map odd: map create: invalid argument", func(c *Config) {
			c.Spec.Maps["odd"] = &ebpf.MapSpec{Name: "odd", Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: 1 << 10}
			names(c, "p0", "odd")
		}},
		{"large map", `its maps take 384 MiB, of which "large" takes 384: at most 256 are made here`, func(c *Config) {
			c.Spec.Maps["large"] = &ebpf.MapSpec{Name: "large", Type: ebpf.Array, KeySize: 4, ValueSize: 20, MaxEntries: 1 << 24}
			names(c, "p0", "large")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := rig(t)
			tc.change(&c)
			_, err := Run(context.Background(), c)
			if !errors.Is(err, ErrUnsupported) || !strings.HasSuffix(err.Error(), ": "+tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestSourcesOfSites: sites are of the lines of their keys, unless some are missing.
func TestSourcesOfSites(t *testing.T) {
	line := func(n int) source.Line { return source.Line{Place: source.Place{File: "prog.c", Number: n}} }
	c := Config{Lines: [][]source.Line{{line(1), line(5)}, {line(2)}, {line(3), line(4)}}}
	got := c.sourcesOf([]int{0, 2, live.None, 1, 0})
	if want := []source.Line{line(1), {}, {}, line(2), line(5)}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestReasonIsShort: nothing of the verifier's own account, one line, and not too long.
func TestReasonIsShort(t *testing.T) {
	log := []string{"0: (95) exit", "R0 !read_ok", "verification time 12 usec", "stack depth 0", "processed 1 insns (limit 1000000)", ""}
	if got := reasonOf(&ebpf.VerifierError{Log: log}); got != "the verifier says: R0 !read_ok" {
		t.Errorf("got %q", got)
	}
	for line, want := range map[string]string{
		"; bpf_tail_call(ctx, &jmp, 1); @ prog.c:41": " (prog.c:41: bpf_tail_call(ctx, &jmp, 1);)",
		"; at = x @ y;":     " (at = x @ y;)",
		"; return x;":       " (return x;)",
		"12: (95) exit ; x": "",
	} {
		said := &ebpf.VerifierError{Log: slices.Concat([]string{"; int main(void) @ prog.c:30", "0: R1=ctx()", line}, log)}
		if want == "" {
			want = " (prog.c:30: int main(void))"
		}
		if got := reasonOf(said); got != "the verifier says: R0 !read_ok"+want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := firstLine("sites are unknown:\n  listing"); got != "sites are unknown" {
		t.Errorf("got %q", got)
	}
	if got := firstLine(strings.Repeat("ü", 1000)); len(got) > lineMax+3 || !strings.HasSuffix(got, "ü...") {
		t.Errorf("got %q", got)
	}
}

// TestUnnamedMaps: of the maps of a collection those are made that programs and keys name, and what
// these hold.
func TestUnnamedMaps(t *testing.T) {
	c := rig(t)
	c.Duration = 200 * time.Millisecond
	array := func(name string, entries uint32) *ebpf.MapSpec {
		return &ebpf.MapSpec{Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: 1 << 10, MaxEntries: entries}
	}
	outer := &ebpf.MapSpec{
		Name: "outer", Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1,
		InnerMap: array("inner", 1), Contents: []ebpf.MapKV{{Key: uint32(0), Value: "within"}},
	}
	for _, m := range []*ebpf.MapSpec{array("terabyte", 1<<30), outer, array("within", 1)} {
		c.Spec.Maps[m.Name] = m
	}
	names(&c, "p0", "outer")
	cc := c.withDefaults()
	l, err := open(&cc)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for name := range l.maps.Maps {
		made = append(made, name)
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
	slices.Sort(made)
	if want := []string{"outer", "progs", phaseName, rowsName, "within"}; !slices.Equal(made, want) {
		t.Errorf("made %v, want %v", made, want)
	}
	mustRun(t, c)
	if c.Spec.Maps["terabyte"] == nil || c.Spec.Programs["entry"] == nil {
		t.Error("the caller's collection was changed")
	}
}

func TestMapBytes(t *testing.T) {
	const cpus = 4
	for _, tc := range []struct {
		m    ebpf.MapSpec
		want float64
	}{
		{ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 12, MaxEntries: 10}, 160},
		{ebpf.MapSpec{Type: ebpf.PerCPUHash, KeySize: 8, ValueSize: 16, MaxEntries: 10}, 720},
		{ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096}, 4096},
		{ebpf.MapSpec{Type: ebpf.Arena, MaxEntries: 2}, 8192},
		{ebpf.MapSpec{Type: ebpf.HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, InnerMap: &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 2}}, 24},
		{ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 1 << 31, ValueSize: 1 << 31, MaxEntries: 1 << 31}, 5 << 62},
	} {
		if got := mapBytes(&tc.m, cpus); got != tc.want {
			t.Errorf("%v: %g, want %g", tc.m.Type, got, tc.want)
		}
	}
}

// TestOtherImage: where the compiler of the kernel does something that is not known here, sites are
// found by experiment, and they are those that the compiler's image has.
func TestOtherImage(t *testing.T) {
	c := rig(t).withDefaults()
	c.Callers = 4
	l, err := open(&c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if l.compiler == nil {
		t.Skipf("images of this kernel are not known: %s", l.unknown)
	}
	var want []*identity.Image
	for _, c := range l.callers {
		want = append(want, c.img)
	}
	other := *l.compiler
	other.Layout.Forms.Return = (other.Layout.Forms.Return + 1) % 3 // another of its three forms
	l.compiler = &other
	if err := l.findSites(c.Keys); err != nil || len(l.tried) != 2 {
		t.Fatalf("%d experiments: %v", len(l.tried), err)
	}
	for i, c := range l.callers {
		if !reflect.DeepEqual(c.img, want[i]) {
			t.Errorf("caller %d: by experiment %+v, want %+v", i, c.img, want[i])
		}
	}
	l.compiler, l.tried, l.adjOff = nil, nil, 0
	if err := l.findSites(c.Keys); err != nil || l.adjOff != uint64(other.Layout.AdjOff) {
		t.Errorf("tail calls enter at +%d, %v: want +%d", l.adjOff, err, other.Layout.AdjOff)
	}
	if l.uncheckable != "" || !l.callers[0].checks {
		t.Errorf("uncheckable: %q", l.uncheckable)
	}
}

// TestOddImage: a program that package jit cannot compile, with a load that may fault, is watched
// nevertheless.
func TestOddImage(t *testing.T) {
	c := rig(t)
	c.Duration = 500 * time.Millisecond
	entry := c.Spec.Programs["entry"]
	at := len(entry.Instructions) - 2 // before it falls through
	entry.Instructions = slices.Insert(entry.Instructions, at,
		asm.FnGetCurrentTaskBtf.Call(),
		asm.LoadMem(asm.R1, asm.R0, taskField(t, "parent"), asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, taskField(t, "parent"), asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, taskField(t, "pid"), asm.Word))
	res := runUntil(t, c, func(res *Result) bool { return res.Checked > 0 && res.Removes > 0 })
	if res.Watch == nil || res.Watch.Sites != 4 || res.Watch.Noted == 0 || len(res.Foreign) > 0 {
		t.Errorf("unwatched: %q; %+v", res.Unwatched, res.Watch)
	}
	if res.Uncheckable != "" || len(res.Findings) > 0 {
		t.Errorf("uncheckable %q; %+v", res.Uncheckable, res)
	}
}

// TestUnwatched: a program whose tail calls are all indirect is run without a watcher, and the reason is
// one line.
func TestUnwatched(t *testing.T) {
	c := rig(t)
	c.Duration = 500 * time.Millisecond
	entry := c.Spec.Programs["entry"]
	for i := range entry.Instructions {
		if ins := &entry.Instructions[i]; ins.Dst == asm.R3 { // a key that nobody knows
			*ins = asm.LoadMem(asm.R3, asm.R6, skbMark, asm.Word).WithSymbol(ins.Symbol())
		}
	}
	c.oracle().legal = func(held [][]int) uint64 { return rigLegal([][]int{held[0], {live.None}}) }
	res := runUntil(t, c, func(res *Result) bool { return res.Checked > 0 && res.Removes > 0 && res.Tails > 0 })
	if res.Watch != nil || !strings.Contains(res.Unwatched, "no direct site") || strings.Contains(res.Unwatched, "\n") {
		t.Errorf("unwatched: %q", res.Unwatched)
	}
	if len(res.Findings) > 0 {
		t.Errorf("%+v", res)
	}
}

// taskField is where a field of the kernel's struct task_struct lies, in bytes.
func taskField(t *testing.T, name string) int16 {
	t.Helper()
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skipf("the kernel does not describe its types: %v", err)
	}
	var task *btf.Struct
	if err := spec.TypeByName("task_struct", &task); err != nil {
		t.Fatal(err)
	}
	for _, m := range task.Members {
		if m.Name == name {
			return int16(m.Offset.Bytes())
		}
	}
	t.Fatalf("struct task_struct has no %s", name)
	return 0
}

// TestDismissed: when callers are gone, a key that many sites jump for is emptied at once.
func TestDismissed(t *testing.T) {
	c := rig(t).withDefaults()
	c.Callers = 16
	l, err := open(&c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	took := func() time.Duration {
		if err := l.arrays["progs"].Put(uint32(0), l.pinned[0].Program); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := l.arrays["progs"].Delete(uint32(0)); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	with := took()
	if err := l.dismiss(); err != nil {
		t.Fatal(err)
	}
	without := took()
	t.Logf("with 16 callers %v, without %v", with, without)
	if without > with/2 {
		t.Errorf("with 16 callers %v, without %v", with, without)
	}
}
