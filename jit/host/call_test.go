package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
)

// TestLoadPacket has the loads of cBPF around the edges of the packet. What lies beyond ends the
// program with 0.
func TestLoadPacket(t *testing.T) {
	const beyond = 0
	r := newRig(t, Config{Packet: []byte{0x81, 0x82, 0x83, 0x84, 0x85, 0x86}})
	load := func(off int32, size asm.Size) asm.Instructions {
		return asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.LoadAbs(off, size), asm.Add.Imm(asm.R0, 1), asm.Return()}
	}
	loadInd := func(reg, off int64, size asm.Size) asm.Instructions {
		return asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.LoadImm(asm.R7, reg, asm.DWord),
			asm.LoadInd(asm.R0, asm.R7, int32(off), size), asm.Add.Imm(asm.R0, 1), asm.Return()}
	}
	for _, tt := range []struct {
		off  int64
		size asm.Size
		want int64
	}{
		{0, asm.Byte, 0x82}, {5, asm.Byte, 0x87}, {6, asm.Byte, beyond}, {-1, asm.Byte, beyond}, {-1 << 31, asm.Byte, beyond},
		{0, asm.Half, 0x8183}, {4, asm.Half, 0x8587}, {5, asm.Half, beyond}, {6, asm.Half, beyond}, {-1, asm.Half, beyond},
		{0, asm.Word, 0x81828385}, {2, asm.Word, 0x83848587}, {3, asm.Word, beyond}, {1<<31 - 1, asm.Word, beyond}, {-4, asm.Word, beyond},
	} {
		r.want(fmt.Sprint("absolute ", tt.off, tt.size), tt.want, load(int32(tt.off), tt.size)...)
		r.want(fmt.Sprint("indirect ", tt.off, tt.size), tt.want, loadInd(tt.off-1, 1, tt.size)...)
		r.want(fmt.Sprint("upper half, ", tt.off, tt.size), tt.want, loadInd(tt.off+7+1<<40, -7, tt.size)...)
	}
	if err := r.host.SetPacket(nil); err != nil {
		t.Fatal(err)
	}
	r.want("an empty packet", beyond, load(0, asm.Byte)...)
	none := newRig(t, Config{})
	none.want("no packet", beyond, load(0, asm.Byte)...)
}

// TestSkbLoadBytes copies from around the edges of the packet: zeroes from beyond.
func TestSkbLoadBytes(t *testing.T) {
	const fault = -14
	packet := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	r := newRig(t, Config{Maps: threeMaps(), Packet: packet})
	to := r.host.Map("array").values
	for _, tt := range []struct {
		off, n uint64
		want   int64
	}{
		{0, 8, 0}, {2, 8, 0}, {3, 8, fault}, {9, 1, 0}, {10, 1, fault}, {0, 1, 0}, {5, 3, 0},
		{1 << 31, 1, fault}, {1<<32 - 1, 2, fault}, {1 << 32, 8, 0}, {1<<32 + 9, 2, fault}, {0, 1<<32 + 8, 0},
	} {
		what := fmt.Sprintf("%d bytes at %#x", tt.n, tt.off)
		if err := r.host.Map("array").Put(word(0)[:4], word(^uint64(0))); err != nil {
			t.Fatal(err)
		}
		r.want(what, tt.want, concat(call(asm.FnSkbLoadBytes, 0, tt.off, to, tt.n)[1:], exit())...)
		want := word(^uint64(0))
		clear(want[:uint32(tt.n)])
		if tt.want == 0 {
			copy(want, packet[uint32(tt.off):][:uint32(tt.n)])
		}
		if got := r.host.Map("array").Value(word(0)[:4], 0); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", what, got, want)
		}
	}
}

// TestPacketByAddress reads and writes the packet between data and data_end.
func TestPacketByAddress(t *testing.T) {
	r := newRig(t, Config{Packet: word(0x1122334455667788)})
	bounds := asm.Instructions{asm.LoadMem(asm.R2, asm.R1, skbData, asm.Word), asm.LoadMem(asm.R3, asm.R1, skbDataEnd, asm.Word)}
	r.want("length", 8, asm.LoadMem(asm.R0, asm.R1, skbLen, asm.Word), asm.Return())
	r.want("data to data_end", 8, concat(bounds, asm.Instructions{asm.Mov.Reg(asm.R0, asm.R3), asm.Sub.Reg(asm.R0, asm.R2), asm.Return()})...)
	read := concat(bounds, asm.Instructions{asm.LoadMem(asm.R0, asm.R2, 0, asm.DWord), asm.Return()})
	r.want("read", 0x1122334455667788, read...)
	r.want("write", 0, concat(bounds, asm.Instructions{asm.StoreImm(asm.R3, -1, 0x33, asm.Byte), asm.Mov.Imm(asm.R0, 0), asm.Return()})...)
	r.want("written", 0x3322334455667788, read...)

	if err := r.host.SetPacket(append(word(5), 6)); err != nil {
		t.Fatal(err)
	}
	r.want("another packet, the old context", 8, asm.LoadMem(asm.R0, asm.R1, skbLen, asm.Word), asm.Return())
	r.want("another packet", 5, read...)
	r.host.Skb(r.ctx)
	r.pool.SetContext(r.ctx)
	r.want("another packet's length", 9, asm.LoadMem(asm.R0, asm.R1, skbLen, asm.Word), asm.Return())
}

func TestSetPacket(t *testing.T) {
	r := newRig(t, Config{Packet: []byte{}})
	for n, want := range map[int]bool{0: true, 1: true, MaxPacket: true, MaxPacket + 1: false} {
		if err := r.host.SetPacket(make([]byte, n)); err == nil != want {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if err := r.host.SetPacket(make([]byte, MaxPacket)); err != nil {
		t.Fatal(err)
	}
	last := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.LoadAbs(MaxPacket-1, asm.Byte), asm.Mov.Imm(asm.R0, 1), asm.Return()}
	r.want("last byte", 1, last...)
	if err := newRig(t, Config{}).host.SetPacket(nil); err == nil {
		t.Error("a host without a packet was given one")
	}
}

// TestProbeRead reads own memory, what Probe reads, and what neither has.
func TestProbeRead(t *testing.T) {
	const there, half = 0xffff888000000000, 0xffff888000001000
	r := newRig(t, Config{Maps: threeMaps(), Packet: word(99), Probe: func(addr uint64, dst []byte) bool {
		for i := range dst {
			dst[i] = byte(addr>>8) | 0x40 // also where it reads only half
		}
		return addr == there && len(dst) == 4
	}})
	to, own := r.host.Map("array").values, r.host.Map("hash").values
	const none, fault, out = 0, -14, -34
	for _, tt := range []struct {
		fn   asm.BuiltinFunc
		size uint64
		from uint64
		want int64
		then uint64
	}{
		{asm.FnProbeRead, 8, own, none, 22},
		{asm.FnProbeRead, 1<<32 + 8, own, none, 22},
		{asm.FnProbeReadKernel, 8, r.host.packetAddr(), none, 99},
		{asm.FnProbeReadUser, 1, own, none, 0xffffffffffffff16},
		{asm.FnProbeRead, 4, there, none, 0xffffffff40404040},
		{asm.FnProbeRead, 4, half, fault, 0xffffffff00000000},
		{asm.FnProbeRead, 5, there, fault, 0xffffff0000000000},
		{asm.FnProbeRead, 8, 0, fault, 0},
		{asm.FnProbeReadUser, 8, 1 << 46, fault, 0},
		{asm.FnProbeReadKernel, 8, 1 << 46, out, 0},
		{asm.FnProbeReadKernel, 8, half, fault, 0},
		{asm.FnProbeRead, 8, own + 4, fault, 0}, // over the end of the value
		{asm.FnProbeRead, 8, ^uint64(3), fault, 0},
		{asm.FnProbeRead, 0, own, none, ^uint64(0)},
		{asm.FnProbeRead, 0, 1, none, ^uint64(0)},
		{asm.FnProbeReadKernel, 0, 1, out, ^uint64(0)},
	} {
		what := fmt.Sprintf("%v of %d bytes at %#x", tt.fn, tt.size, tt.from)
		if err := r.host.Map("array").Put(word(0)[:4], word(^uint64(0))); err != nil {
			t.Fatal(err)
		}
		r.want(what, tt.want, concat(call(tt.fn, to, tt.size, tt.from), exit())...)
		if got := r.host.Map("array").Value(word(0)[:4], 0); !bytes.Equal(got, word(tt.then)) {
			t.Errorf("%s: % x, want % x", what, got, word(tt.then))
		}
	}
	// On the stack, and from one half of it to the other, which overlap.
	r.want("stack", 0x5566778811223344, concat(store(-8, 0x1122334455667788), store(-16, 0), stackAddr(asm.R1, -12), stackAddr(asm.R3, -8), asm.Instructions{
		asm.Mov.Imm(asm.R2, 8), asm.FnProbeRead.Call(), asm.LoadMem(asm.R0, asm.R10, -12, asm.DWord)}, rotate(), exit())...)
}

// rotate exchanges the halves of R0.
func rotate() asm.Instructions {
	return asm.Instructions{asm.Mov.Reg(asm.R1, asm.R0), asm.LSh.Imm(asm.R0, 32), asm.RSh.Imm(asm.R1, 32), asm.Or.Reg(asm.R0, asm.R1)}
}

// TestSmallHelpers are the helpers without arguments.
func TestSmallHelpers(t *testing.T) {
	fns := func(fn asm.BuiltinFunc) asm.Instructions { return asm.Instructions{fn.Call(), asm.Return()} }
	before := time.Now()
	r := newRig(t, Config{Seed: 5})
	first := r.run(fns(asm.FnKtimeGetNs)...)
	time.Sleep(time.Millisecond)
	second := r.run(fns(asm.FnKtimeGetNs)...)
	if took := uint64(time.Since(before)); second < first+1e6 || second > took {
		t.Errorf("ktime %d and then %d, in %d ns", first, second, took)
	}
	r.want("processor", 0, fns(asm.FnGetSmpProcessorId)...)
	var drawn []uint64
	for range 8 {
		drawn = append(drawn, r.run(fns(asm.FnGetPrandomU32)...))
	}
	again, other := newRig(t, Config{Seed: 5}), newRig(t, Config{Seed: 6})
	differ := false
	for i, v := range drawn {
		if v>>32 != 0 || again.run(fns(asm.FnGetPrandomU32)...) != v {
			t.Errorf("%d. random number %#x is not that of its seed, or too wide", i, v)
		}
		differ = differ || other.run(fns(asm.FnGetPrandomU32)...) != v
	}
	if !differ {
		t.Error("two seeds give the same numbers")
	}
}

// TestPtRegs compares with struct pt_regs of the UAPI.
func TestPtRegs(t *testing.T) {
	order := []string{"r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
		"rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss"}
	regs := PtRegs(1, 2, 3, 4, 5, 6)
	if len(regs) != 8*len(order) || order[PtRegsReturned/8] != "rax" || PtRegsReturned%8 != 0 {
		t.Fatalf("%d bytes, what is returned at %d", len(regs), PtRegsReturned)
	}
	want := map[string]uint64{"rdi": 1, "rsi": 2, "rdx": 3, "rcx": 4, "r8": 5, "r9": 6}
	for i, name := range order {
		if got := binary.LittleEndian.Uint64(regs[8*i:]); got != want[name] {
			t.Errorf("%s is %d, want %d", name, got, want[name])
		}
	}
	if got := PtRegs(7); !bytes.Equal(got[112:120], word(7)) || bytes.Count(got, []byte{0}) != PtRegsSize-1 {
		t.Errorf("one argument: % x", got)
	}
}

// TestXDPContext: struct xdp_md begins with the packet's bounds.
func TestXDPContext(t *testing.T) {
	r := newRig(t, Config{Packet: make([]byte, 60)})
	md := make([]byte, XDPSize)
	r.host.XDP(md)
	data := uint32(r.host.packetAddr())
	for i, want := range []uint32{data, data + 60, data, 0, 0, 0} {
		if got := binary.LittleEndian.Uint32(md[4*i:]); got != want {
			t.Errorf("word %d of struct xdp_md is %#x, want %#x", i, got, want)
		}
	}
}
