package judge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// unlike is a collection with an entry that makes a tail call after what it does first, a program that
// its key can be given, and maps.
func unlike(first asm.Instructions, edit func(*ebpf.CollectionSpec)) *ebpf.CollectionSpec {
	insns := append(asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("entry")}, first...)
	insns = append(insns,
		asm.Mov.Reg(asm.R1, asm.R6), asm.LoadMapPtr(asm.R2, 0).WithReference("progs"), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 3), asm.Return())
	spec := &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{
			"progs":  {Name: "progs", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
			"events": {Name: "events", Type: ebpf.PerfEventArray, KeySize: 4, ValueSize: 4},
			"named": {Name: "named", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1,
				Contents: []ebpf.MapKV{{Key: uint32(0), Value: uint32(5)}}},
		},
		Programs: map[string]*ebpf.ProgramSpec{"entry": {Instructions: insns}, "p": {Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R0, 1).WithSymbol("p"), asm.Return(),
		}}},
	}
	for name, p := range spec.Programs {
		p.Name, p.Type, p.License = name, ebpf.SchedCLS, "GPL"
	}
	if edit != nil {
		edit(spec)
	}
	return spec
}

// of judges a collection by every engine.
func of(t *testing.T, spec *ebpf.CollectionSpec, script protocol.Script) *report.Document {
	t.Helper()
	w, err := workload.FromCollection(spec, workload.Source{Name: "x.o", Entry: "entry"})
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.DefaultSubject()
	s.Shape.Threads = 2
	o := stress.Options{Script: script, MinCycles: 3, Patience: time.Minute}
	if script == nil {
		o.Duration = 300 * time.Millisecond
	}
	d, err := stress.Run(t.Context(), s, w, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestLimitsAreRows: what one engine cannot do is a row with the reason, and the others give theirs.
func TestLimitsAreRows(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it that the race detector could see, and it takes seconds")
	}
	packet := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 76, asm.Word), asm.LoadMem(asm.R3, asm.R1, 80, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2), asm.Add.Imm(asm.R4, 40), asm.JGT.Reg(asm.R4, asm.R3, "short"),
		asm.StoreImm(asm.R2, 30, 1, asm.Byte), asm.Ja.Label("on"),
		asm.Mov.Imm(asm.R0, 9).WithSymbol("short"), asm.Return(),
		asm.Mov.Imm(asm.R7, 0).WithSymbol("on"),
	}
	const unsupported = protocol.Unsupported
	for name, tc := range map[string]struct {
		first  asm.Instructions
		edit   func(*ebpf.CollectionSpec)
		script string
		want   map[protocol.Engine]string // the reason; the others judge
		left   string                     // what the kernel engine leaves out
	}{
		"a helper without a model": {
			edit: func(c *ebpf.CollectionSpec) {
				c.Programs["p"].Instructions = asm.Instructions{
					asm.Mov.Imm(asm.R2, 0).WithSymbol("p"), asm.FnSkbPullData.Call(), asm.Mov.Imm(asm.R0, 1), asm.Return(),
				}
			},
		},
		"a write to the packet": {
			first: packet,
			want:  map[protocol.Engine]string{protocol.Machine: "takes no tail call without a packet"},
		},
		"a map of another type": {
			first: asm.Instructions{asm.LoadMapPtr(asm.R7, 0).WithReference("events")},
		},
		"a prog array of the most keys": {
			edit: func(c *ebpf.CollectionSpec) { c.Maps["progs"].MaxEntries = 1<<32 - 1 },
			want: map[protocol.Engine]string{
				protocol.Machine: "4294967295 keys: at most 524288", protocol.CPU: "4294967295 keys do not fit", protocol.Kernel: "its maps take",
			},
		},
		"a map with numbers in it": {
			first: asm.Instructions{asm.LoadMapPtr(asm.R7, 0).WithReference("named")},
			want:  map[protocol.Engine]string{protocol.Machine: `map "named": contents`, protocol.CPU: `map "named"`},
		},
		"another attach type": {
			edit: func(c *ebpf.CollectionSpec) {
				entry := c.Programs["entry"].Instructions
				entry[len(entry)-2].Constant = 0 // such a program may return 0 or 1
				for _, p := range c.Programs {
					p.Type, p.AttachType = ebpf.CGroupSKB, ebpf.AttachCGroupInetIngress
				}
				c.Programs["p"].AttachType = ebpf.AttachCGroupInetEgress
			},
			left: "left out: program p: prog array progs",
		},
		"a script of 256 calls": {
			first:  asm.Instructions{asm.Mov.Imm(asm.R7, 0)},
			script: strings.Repeat("put 0 0\n", 256),
			want:   map[protocol.Engine]string{protocol.Machine: "a script of 256 calls: at most 255 are explored"},
		},
		"a script that loads": {
			first:  asm.Instructions{asm.Mov.Imm(asm.R7, 0)},
			script: "load\nput 0 0\nunload\n",
			want:   map[protocol.Engine]string{protocol.Machine: "call 1 of the script (load)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var script protocol.Script
			if tc.script != "" {
				var err error
				if script, err = protocol.ParseScript(tc.script); err != nil {
					t.Fatal(err)
				}
			}
			d := of(t, unlike(append(tc.first, asm.Mov.Imm(asm.R8, 0)), tc.edit), script)
			for _, v := range d.Verdicts {
				why, is := tc.want[v.Engine]
				switch {
				case v.Verdict == protocol.Skipped || v.Verdict == protocol.Vacuous && script != nil:
				case is != (v.Verdict == unsupported) || !strings.Contains(v.Reason, why):
					t.Errorf("%s: %s %s, want %q", v.Engine, v.Verdict, v.Reason, why)
				case v.Verdict == protocol.Violated:
					t.Errorf("%s accuses: %s", v.Engine, v.Property)
				case v.Engine == protocol.Kernel && !strings.Contains(v.Reason, tc.left):
					t.Errorf("%s, want %q", v.Reason, tc.left)
				}
			}
		})
	}
}

// TestEveryFieldOfTheContext: what a program finds in its context in the kernel is what the kernel
// says, or nobody knows it: no program is accused of what it reads there.
func TestEveryFieldOfTheContext(t *testing.T) {
	needKernel(t)
	var first asm.Instructions
	read := func(off int16, size asm.Size) {
		first = append(first, asm.LoadMem(asm.R2, asm.R6, off, size), asm.Xor.Reg(asm.R7, asm.R2), asm.Mul.Imm(asm.R7, 31))
	}
	first = append(first, asm.Mov.Imm(asm.R7, 0))
	for _, off := range []int16{0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 84, 160, 164, 176} {
		read(off, asm.Word)
	}
	read(152, asm.DWord) // tstamp
	first = append(first,
		asm.And.Imm(asm.R7, 0xfff0),
		asm.LoadMem(asm.R2, asm.R6, 168, asm.DWord), asm.JNE.Imm(asm.R2, 0, "socket"), // sk
		asm.Or.Imm(asm.R7, 4),
		asm.Mov.Imm(asm.R8, 0).WithSymbol("socket"))
	v := of(t, unlike(first, func(c *ebpf.CollectionSpec) {
		insns := c.Programs["entry"].Instructions
		insns[len(insns)-2] = asm.Mov.Reg(asm.R0, asm.R7)
	}), nil).Of(protocol.Kernel)
	if v.Verdict == protocol.Violated || v.Kernel == nil || v.Kernel.Checked == 0 {
		t.Errorf("%s %s %s: %v", v.Verdict, v.Property, v.Reason, v.Findings)
	}
}
