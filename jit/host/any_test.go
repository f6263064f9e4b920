package host

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// anyHost is a host that answers everything, with maps of the kinds that go beyond arrays and hashes.
func anyHost(t *testing.T) *Host {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	h, err := New(Config{Layout: &jit.V612, Any: true, CPUs: 2, Packet: make([]byte, 64), Maps: map[string]MapSpec{
		"lru":    {Kind: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 3, Evicts: true},
		"percpu": {Kind: PerCPUHash, KeySize: 4, ValueSize: 4, MaxEntries: 3},
		"lpm":    {Kind: LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 8},
		"ring":   {Kind: Opaque},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestMoreMaps: a full map that evicts takes more keys, each CPU has a value of its own, and the longest
// prefix is found.
func TestMoreMaps(t *testing.T) {
	h := anyHost(t)
	four := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	lru := h.Map("lru")
	for i := range uint32(9) {
		if e := lru.update(four(i), four(i), anyElem, 0); e != 0 || lru.find(four(i), 0) == 0 {
			t.Fatalf("key %d: error %d", i, e)
		}
	}
	if lru.hash.used != 3 {
		t.Errorf("%d elements of 3", lru.hash.used)
	}
	m := h.Map("percpu")
	for cpu := range uint32(2) {
		if e := m.update(four(7), four(10+cpu), anyElem, int(cpu)); e != 0 {
			t.Fatal(e)
		}
	}
	if a, b := m.Value(four(7), 0), m.Value(four(7), 1); a[0] == b[0] || b[0] != 11 {
		t.Errorf("values %v and %v", a, b)
	}
	lpm := h.Map("lpm")
	put := func(bits, v uint32, addr ...byte) {
		if e := lpm.update(append(four(bits), addr...), four(v), anyElem, 0); e != 0 {
			t.Fatal(e)
		}
	}
	put(8, 1, 10, 0, 0, 0)
	put(20, 2, 10, 1, 16, 0)
	for _, tt := range []struct {
		bits uint32
		addr [4]byte
		want int // 0: nothing
	}{{32, [4]byte{10, 1, 31, 9}, 2}, {32, [4]byte{10, 1, 32, 9}, 1}, {19, [4]byte{10, 1, 16, 0}, 1}, {32, [4]byte{11, 0, 0, 0}, 0}} {
		got := 0
		if v := lpm.Value(append(four(tt.bits), tt.addr[:]...), 0); v != nil {
			got = int(v[0])
		}
		if got != tt.want {
			t.Errorf("%v/%d: %d, want %d", tt.addr, tt.bits, got, tt.want)
		}
	}
	if e := lpm.update(append(four(33), 1, 2, 3, 4), four(1), anyElem, 0); e != einval {
		t.Errorf("a prefix of 33 bits: %d", e)
	}
}

// TestAny: every helper has an answer, and writes no more than its signature says. Where an address comes
// back it leads to memory that may be read.
func TestAny(t *testing.T) {
	h := anyHost(t)
	for _, fn := range jit.Helpers() {
		sig, known := jit.SignatureOf(fn)
		for range 20 {
			c := &exec.HelperCall{Fn: uint32(fn), Args: [5]uint64{h.Object(), 8, h.Object() + 64, 8, 8}}
			if Knows(fn) || !known {
				continue
			}
			rax, ok := h.Call(c)
			switch {
			case !ok:
				t.Fatalf("%v is refused", fn)
			case sig.Returns == jit.ReturnsAddress && h.inObject(c, rax, 8) == nil, sig.Returns == jit.ReturnsAddressOrNull && rax != 0 && h.inObject(c, rax, 8) == nil:
				t.Fatalf("%v gives address %#x", fn, rax)
			}
		}
	}
	room := h.cpus[0].room.At(h.cpus[0].room.Addr(0), 64)
	for i := range room {
		room[i] = 0xee
	}
	at := h.cpus[0].room.Addr(16)
	c := &exec.HelperCall{Fn: uint32(asm.FnGetCurrentComm), Args: [5]uint64{at, 16}}
	if _, ok := h.Call(c); !ok {
		t.Fatal("refused")
	}
	outside := append(slices.Clone(room[:16]), room[32:]...)
	if slices.ContainsFunc(outside, func(b byte) bool { return b != 0xee }) || !slices.ContainsFunc(room[16:32], func(b byte) bool { return b != 0xee }) {
		t.Errorf("after 16 bytes at 16 there is % x", room)
	}
}

// TestMoreHelpers: those that have a model of their own.
func TestMoreHelpers(t *testing.T) {
	h := anyHost(t)
	room := h.cpus[0].room
	text := room.At(room.Addr(0), 64)
	copy(text, " \t-42x\x00")
	call := func(fn asm.BuiltinFunc, args ...uint64) int64 {
		c := &exec.HelperCall{Fn: uint32(fn)}
		copy(c.Args[:], args)
		rax, ok := h.Call(c)
		if !ok {
			t.Errorf("%v is refused", fn)
		}
		return int64(rax)
	}
	if n := call(asm.FnStrtol, room.Addr(0), 7, 0, room.Addr(32)); n != 5 || int64(binary.LittleEndian.Uint64(text[32:])) != -42 {
		t.Errorf("strtol: %d, % x", n, text[32:40])
	}
	if n := call(asm.FnStrtoul, room.Addr(0), 7, 0, room.Addr(32)); n != int64(einval) {
		t.Errorf("strtoul: %d", n)
	}
	if n := call(asm.FnProbeReadKernelStr, room.Addr(32), 4, room.Addr(0)); n != 4 || string(text[32:36]) != " \t-\x00" {
		t.Errorf("string of %d: %q", n, text[32:36])
	}
	copy(text, []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	if n := call(asm.FnCsumDiff, 0, 0, room.Addr(0), 8, 1); n != 2 { // with the carry
		t.Errorf("sum %d", n)
	}
	if n := call(asm.FnSkbStoreBytes, 0, 62, room.Addr(0), 2, 0); n != 0 || h.load(62, 1)[0] != 1 {
		t.Errorf("store: %d", n)
	}
	if n := call(asm.FnSkbStoreBytes, 0, 63, room.Addr(0), 2, 0); n != int64(efault) {
		t.Errorf("store beyond the packet: %d", n)
	}
}

// TestChance: once in so many times, and what a thread may reserve is 64 KiB.
func TestChance(t *testing.T) {
	h := anyHost(t)
	hits := 0
	for range 4096 {
		if h.chance(&exec.HelperCall{}, 4) {
			hits++
		}
	}
	if hits < 920 || hits > 1130 {
		t.Errorf("one in four hits %d of 4096 times", hits)
	}
	reserved := func(n uint64) (times int) {
		for range 256 {
			if rax, _ := h.Call(&exec.HelperCall{Fn: uint32(asm.FnRingbufReserve), Args: [5]uint64{0, n}}); rax != 0 {
				times++
			}
		}
		return times
	}
	if most, more := reserved(64<<10), reserved(64<<10+1); most < 128 || most == 256 || more != 0 {
		t.Errorf("64 KiB are given %d times, and a byte more %d times", most, more)
	}
}

// TestCertainAnswers: some helpers answer the same always, and what may be null is so half of the time.
func TestCertainAnswers(t *testing.T) {
	h := anyHost(t)
	for _, fn := range []asm.BuiltinFunc{asm.FnMapLookupPercpuElem, asm.FnPerfEventOutput, asm.FnRingbufOutput, asm.FnSpinLock, asm.FnSpinUnlock,
		asm.FnRingbufSubmit, asm.FnRingbufDiscard} {
		for range 32 {
			if rax, ok := h.Call(&exec.HelperCall{Fn: uint32(fn), Args: [5]uint64{h.Object(), h.Object()}}); rax != 0 || !ok {
				t.Fatalf("%v answers %d, %v", fn, rax, ok)
			}
		}
	}
	outside := &exec.HelperCall{Fn: uint32(asm.FnStrncmp), Args: [5]uint64{8, 4, h.Object()}}
	if rax, ok := h.Call(outside); rax != 1 || !ok {
		t.Errorf("a string that cannot be read compares as %d, %v", rax, ok)
	}
	null := 0
	for range 1024 {
		if rax, _ := h.Call(&exec.HelperCall{Fn: uint32(jit.KernelNext)}); rax == 0 {
			null++
		}
	}
	if null < 430 || null > 600 {
		t.Errorf("null %d times of 1024", null)
	}
}

// TestCloseGivesBack: no memory of a host stays mapped.
func TestCloseGivesBack(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	h, err := New(Config{Layout: &jit.V612, Any: true, CPUs: 1, Packet: make([]byte, 64), Maps: map[string]MapSpec{"a": {Kind: Array, KeySize: 4, ValueSize: 4, MaxEntries: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]uint64{"packet": h.packet.Addr(0), "object": h.object.Addr(0), "room": h.cpus[0].room.Addr(0), "map": h.Map("a").data.Addr(0)}
	mapped := func(at uint64) bool {
		content, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			var lo, hi uint64
			if _, err := fmt.Sscanf(line, "%x-%x", &lo, &hi); err == nil && at >= lo && at < hi {
				return true
			}
		}
		return false
	}
	for what, at := range held {
		if !mapped(at) {
			t.Fatalf("the %s is not mapped", what)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for what, at := range held {
		if mapped(at) {
			t.Errorf("the %s stays mapped", what)
		}
	}
}
