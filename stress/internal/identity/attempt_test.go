package identity

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

func justReturn(n int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, n), asm.Return()}
}

// TestAttempts: what an object does not say of a program is found by trying.
func TestAttempts(t *testing.T) {
	k := compiler(t)
	ofXDP := asm.Instructions{asm.Mov.Imm(asm.R2, 0), asm.FnXdpAdjustHead.Call(), asm.Return()}
	ofType := func(name string, kind ebpf.ProgramType, flags uint32) Sample {
		s := sampleOf(name, kind, justReturn(1))
		s.Spec.Programs["main"].Flags = flags
		return s
	}
	beside := sampleOf("as the program beside it", ebpf.UnspecifiedProgram, justReturn(1))
	beside.Spec.Programs["other"] = &ebpf.ProgramSpec{Name: "other", Type: ebpf.XDP, License: "GPL", Instructions: justReturn(2)}
	for _, c := range []struct {
		sample Sample
		kind   ebpf.ProgramType
		sleeps bool
	}{
		{ofType("as it says", ebpf.SocketFilter, 0), ebpf.SocketFilter, false},
		{beside, ebpf.XDP, false},
		{sampleOf("as the first guess", ebpf.UnspecifiedProgram, justReturn(1)), ebpf.SchedCLS, false},
		{sampleOf("as another guess", ebpf.UnspecifiedProgram, ofXDP), ebpf.XDP, false},
		{ofType("must be allowed to sleep", ebpf.Syscall, 0), ebpf.Syscall, true},
		{ofType("must not be allowed to sleep", ebpf.SchedCLS, sleepable), ebpf.SchedCLS, false},
	} {
		t.Run(c.sample.Name, func(t *testing.T) {
			coll, as, err := c.sample.load()
			if err != nil {
				t.Fatal(err)
			}
			coll.Close()
			if as.Type != c.kind || (as.Flags&sleepable != 0) != c.sleeps {
				t.Errorf("loaded as %v with flags %#x", as.Type, as.Flags)
			}
			rep, err := k.Check(t.Context(), []Sample{c.sample})
			if err != nil || rep.Identical != 1 {
				t.Errorf("%v, %+v", err, rep)
			}
		})
	}
}

// TestNoAttempt: what cannot be loaded says why, in words of its own.
func TestNoAttempt(t *testing.T) {
	compiler(t)
	for _, c := range []struct {
		sample Sample
		want   string
	}{
		{sampleOf("replaces", ebpf.Extension, justReturn(1)), "replaces a function"},
		{sampleOf("no type fits", ebpf.UnspecifiedProgram, asm.Instructions{asm.Return()}), "none of those that were tried"},
		{sampleOf("is wrong", ebpf.SchedCLS, asm.Instructions{asm.Return()}), "R0"},
	} {
		if _, err := load(c.sample); !errors.Is(err, errRejected) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.sample.Name, err)
		}
	}
}

// TestObjects: each object has its row, and one that cannot be read does not end the others.
func TestObjects(t *testing.T) {
	compiler(t)
	of := func(samples ...Sample) func() ([]Sample, error) {
		return func() ([]Sample, error) { return samples, nil }
	}
	good, bad := sampleOf("good", ebpf.SchedCLS, justReturn(1)), sampleOf("bad", ebpf.SchedCLS, asm.Instructions{asm.Return()})
	var told []int
	rep, err := CheckObjects(t.Context(), []Object{
		{"a.o", of(good, bad)}, {"b.o", func() ([]Sample, error) { return nil, errors.New("cut off") }}, {"c.o", of(good)},
	}, func(done, all int) { told = append(told, done, all) })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, []int{0, 3, 1, 3, 2, 3}) {
		t.Errorf("told %v", told)
	}
	a, b, c := rep.Objects[0], rep.Objects[1], rep.Objects[2]
	if a.Programs != 1 || a.Identical != 1 || a.Rejected != 1 || b.Refused != "cut off" || c.Identical != 1 {
		t.Errorf("%+v", rep.Objects)
	}
	if rep.Programs != 2 || rep.Identical != 2 || len(rep.Rejected) != 1 || rep.Rejected[0].Name != "a.o: bad" || rep.Opcodes == 0 {
		t.Errorf("%+v", rep.Identity)
	}
}
