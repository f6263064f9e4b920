package host

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// call sets arguments and calls a helper.
func call(fn asm.BuiltinFunc, args ...uint64) asm.Instructions {
	var insns asm.Instructions
	for i, a := range args {
		insns = append(insns, asm.LoadImm(asm.R1+asm.Register(i), int64(a), asm.DWord))
	}
	return append(insns, fn.Call())
}

// TestWildAddresses gives helpers addresses where nothing lies, and sizes that reach over the edge
// of what does. Each is a fault of the image with that address, and the next program runs.
func TestWildAddresses(t *testing.T) {
	const wild = 0x123456789000
	r := newRig(t, Config{Maps: threeMaps(), Packet: make([]byte, 64)})
	m := r.host.Map("hash")
	hash, value, packet := m.info.Addr, m.values, r.host.packetAddr()
	array := r.host.Map("array")
	for _, tt := range []struct {
		what  string
		bad   uint64 // 0: whatever it was
		insns asm.Instructions
	}{
		{"lookup: key", wild, call(asm.FnMapLookupElem, hash, wild)},
		{"lookup: null", 0, call(asm.FnMapLookupElem, hash, 0)},
		{"lookup: map", wild, call(asm.FnMapLookupElem, wild, value)},
		{"lookup: a value as the map", value, call(asm.FnMapLookupElem, value, value)},
		{"lookup without a call: key", wild, asm.Instructions{
			mapAddr(asm.R1, "array"), asm.LoadImm(asm.R2, wild, asm.DWord), asm.FnMapLookupElem.Call()}},
		{"lookup: the map's header", hash, call(asm.FnMapLookupElem, hash, hash)},
		{"lookup: the header, a value's distance from the first", array.values - 8, call(asm.FnMapLookupElem, hash, array.values-8)},
		{"lookup: a key that a value holds half of", value + 4, call(asm.FnMapLookupElem, hash, value+4)},
		{"lookup: the key of an element", value + 8, call(asm.FnMapLookupElem, hash, value+8)},
		{"lookup: packet's end", packet + 57, call(asm.FnMapLookupElem, hash, packet+57)},
		{"lookup: past the values of another map", array.values + 4*8, call(asm.FnMapLookupElem, hash, array.values+4*8)},
		{"lookup: end of all addresses", ^uint64(3), call(asm.FnMapLookupElem, hash, ^uint64(3))},
		{"delete: key", wild, call(asm.FnMapDeleteElem, hash, wild)},
		{"update: key", wild, call(asm.FnMapUpdateElem, hash, wild, value, 0)},
		{"update: value", wild, call(asm.FnMapUpdateElem, hash, value, wild, 0)},
		{"update: value of wrong flags", wild, call(asm.FnMapUpdateElem, hash, value, wild, 99)},
		{"probe_read: to", wild, call(asm.FnProbeRead, wild, 8, value)},
		{"probe_read: to, beyond", value + 1, call(asm.FnProbeRead, value+1, 8, value)},
		{"probe_read: huge", value, call(asm.FnProbeRead, value, 1<<31, value)},
		{"probe_read: huger", value, call(asm.FnProbeRead, value, 1<<32-1, value)},
		{"probe_read: code", r.arena.Addr(0), call(asm.FnProbeRead, r.arena.Addr(0), 8, value)},
		{"probe_read_kernel: to", wild, call(asm.FnProbeReadKernel, wild, 8, value)},
		{"trace_printk: format", wild, call(asm.FnTracePrintk, wild, 8)},
		{"trace_printk: format, beyond", value, call(asm.FnTracePrintk, value, 9)},
		{"trace_printk: huge", value, call(asm.FnTracePrintk, value, 1<<32-1)},
		{"skb_load_bytes: to", wild, call(asm.FnSkbLoadBytes, 0, 0, wild, 8)[1:]},
		{"skb_load_bytes: huge", value, call(asm.FnSkbLoadBytes, 0, 0, value, 1<<32-1)[1:]},
		{"skb_load_bytes: skb", wild, call(asm.FnSkbLoadBytes, wild, 0, value, 8)},
		{"load from the packet: skb", wild, asm.Instructions{asm.LoadImm(asm.R6, wild, asm.DWord), asm.LoadAbs(0, asm.Byte)}},
	} {
		before := r.host.Map("hash").Value(word(2), 0)
		_, fault := r.try(concat(tt.insns, exit())...)
		switch {
		case fault == nil:
			t.Errorf("%s: not refused", tt.what)
		case fault.Kind != exec.Fault || fault.Signal != 11 || fault.Addr != tt.bad:
			t.Errorf("%s: %+v, want a fault of address %#x", tt.what, *fault, tt.bad)
		default:
			if _, ok := r.arena.OffOf(fault.RIP); !ok {
				t.Errorf("%s: rip %#x is not in the image", tt.what, fault.RIP)
			}
		}
		if got := m.Value(word(2), 0); !bytes.Equal(got, before) {
			t.Errorf("%s: value % x, was % x", tt.what, got, before)
		}
		r.want("the next run", 22, read("array", 2)...)
	}
}

// TestUnknownHelper calls a stub of a number that the host does not know.
func TestUnknownHelper(t *testing.T) {
	r := newRig(t, Config{})
	r.arena.Write(2048, exec.HelperStub(999))
	r.stubs[jit.KtimeGetNs] = r.arena.Addr(2048)
	if _, fault := r.try(asm.FnKtimeGetNs.Call(), asm.Return()); fault == nil || fault.Kind != exec.Fault {
		t.Errorf("fault %+v", fault)
	}
}

// TestTooManyThreads has a thread that the host has no CPU for.
func TestTooManyThreads(t *testing.T) {
	h, err := New(Config{Layout: &jit.V612, CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for thread, want := range []bool{true, true, false} {
		cpu, ok := h.Call(&exec.HelperCall{Fn: uint32(jit.GetSmpProcessorID), Thread: thread})
		if ok != want || ok && cpu != uint64(thread) {
			t.Errorf("thread %d: %d, %v", thread, cpu, ok)
		}
	}
}

// TestMapWithoutMemory asks for 256 MiB where there are no more than 64.
func TestMapWithoutMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it may need memory
	cfg := Config{Layout: &jit.V612, CPUs: 4, Maps: map[string]MapSpec{
		"small": {Kind: Array, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		"wide":  {Kind: PerCPUArray, KeySize: 4, ValueSize: 1 << 10, MaxEntries: 1 << 16},
	}}
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	var pages uint64
	if _, err := fmt.Sscan(string(raw), &pages); err != nil {
		t.Fatal(err)
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: pages*uint64(os.Getpagesize()) + 64<<20, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	h, err := New(cfg)
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &was); err != nil {
		t.Fatal(err)
	}
	if err == nil {
		h.Close()
	}
	if err == nil || err.Error() != "map wide: map 268435768 bytes of data: cannot allocate memory" {
		t.Errorf("error %v", err)
	}
}
