package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// TestSeen: programs of every type find the whole packet, and what the input gives.
func TestSeen(t *testing.T) {
	needKernel(t)
	in := Input{Packet: make([]byte, 64), Context: make([]byte, skbSize)}
	binary.LittleEndian.PutUint32(in.Context[skbMark:], 0x1234)
	for _, kind := range kinds {
		seen, _, err := in.Seen(kind)
		if err != nil {
			t.Errorf("%v: %v", kind, err)
			continue
		}
		if n := binary.LittleEndian.Uint32(seen); n != uint32(len(in.Packet)) {
			t.Errorf("%v: the packet has %d bytes", kind, n)
		}
		if mark := binary.LittleEndian.Uint32(seen[skbMark:]); mark != 0x1234 {
			t.Errorf("%v: the mark is %#x", kind, mark)
		}
	}
}

// TestEveryType: programs of every type are run and check themselves, also where the verifier does not
// let them return any value.
func TestEveryType(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			c := rig(t)
			c.Duration = 500 * time.Millisecond
			values := map[int64]int64{7: 0, 100: 1, 101: 1}
			for _, p := range c.Spec.Programs {
				p.Type = kind
				for i := range p.Instructions {
					if ins := &p.Instructions[i]; ins.Dst == asm.R0 && ins.OpCode.ALUOp() == asm.Mov {
						ins.Constant = values[ins.Constant]
					}
				}
			}
			for i := range c.oracle().outcomes {
				c.oracle().outcomes[i].Value = uint64(values[int64(c.oracle().outcomes[i].Value)])
			}
			res := runUntil(t, c, func(res *Result) bool { return res.Checked > 0 && res.Skips > 0 && res.Tails > 0 })
			if res.Uncheckable != "" || len(res.Findings) > 0 {
				t.Errorf("%+v", res)
			}
		})
	}
}

// TestPacketOfEveryType: programs of every type find their packet where the input has it.
func TestPacketOfEveryType(t *testing.T) {
	needKernel(t)
	in := Input{Packet: make([]byte, 64)}
	in.Packet[20] = 1
	for _, kind := range kinds {
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "packet", Type: kind, License: "GPL", Instructions: asm.Instructions{
			asm.StoreImm(asm.RFP, -8, 0, asm.Word),
			asm.Mov.Imm(asm.R2, 20),
			asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, -8),
			asm.Mov.Imm(asm.R4, 1),
			asm.FnSkbLoadBytes.Call(),
			asm.LoadMem(asm.R0, asm.RFP, -8, asm.Byte), asm.And.Imm(asm.R0, 1),
			asm.Return(),
		}})
		if err != nil {
			t.Errorf("%v: %v", kind, err)
			continue
		}
		if got, err := p.Run(in.options(kind, 1)); got != 1 || err != nil {
			t.Errorf("%v: byte 20 is %d, %v", kind, got, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestUnknownContext: of a context that is no struct __sk_buff nothing is known.
func TestUnknownContext(t *testing.T) {
	in := Input{Packet: make([]byte, 64), Context: make([]byte, skbSize)}
	for _, kind := range []ebpf.ProgramType{ebpf.XDP, ebpf.Kprobe} {
		ctx, unknown, err := in.Seen(kind)
		if want := [][2]int{{0, skbSize}}; len(ctx) != skbSize || !slices.Equal(unknown, want) || err != nil {
			t.Errorf("%v: %d bytes, unknown %v, %v", kind, len(ctx), unknown, err)
		}
	}
}

// TestCannot: what this process or kernel cannot do is told from what is wrong.
func TestCannot(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {syscall.EINVAL, false}, {errors.New("wrong"), false},
		{syscall.EPERM, true}, {fmt.Errorf("map: %w", ebpf.ErrNotSupported), true},
		{fmt.Errorf("load program: %w", syscall.EMFILE), true}, {errors.New("can't dup fd: too many open files"), true},
	} {
		if got := Cannot(tc.err); got != tc.want {
			t.Errorf("%v: %v", tc.err, got)
		}
	}
}
