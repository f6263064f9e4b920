package workload

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit/host"
	"tailpoke/jit/interp"
)

var testMaps = Maps{
	"progs":   {Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 3},
	".bss":    {Type: ebpf.Array, KeySize: 4, ValueSize: 12, MaxEntries: 1, Flags: 1 << 10},
	".rodata": {Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: readOnlyProg, Contents: []ebpf.MapKV{{Key: uint32(0), Value: []byte{1, 2, 3, 4}}}},
	"stats":   {Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 2},
	"flows":   {Type: ebpf.Hash, KeySize: 16, ValueSize: 16, MaxEntries: 5},
}

func TestMaps(t *testing.T) {
	if diff := cmp.Diff(map[string]int{"progs": 3}, testMaps.ProgArrays()); diff != "" {
		t.Error(diff)
	}
	native, err := testMaps.Host()
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 4)
	want := map[string]host.MapSpec{
		".bss":    {Kind: host.Array, KeySize: 4, ValueSize: 12, MaxEntries: 1},
		".rodata": {Kind: host.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Contents: []host.Pair{{Key: zero, Value: []byte{1, 2, 3, 4}}}},
		"stats":   {Kind: host.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 2, Given: true},
		"flows":   {Kind: host.Hash, KeySize: 16, ValueSize: 16, MaxEntries: 5},
	}
	if diff := cmp.Diff(want, native); diff != "" {
		t.Error(diff)
	}
	interpreted, err := testMaps.Interp()
	if err != nil {
		t.Fatal(err)
	}
	ro := interpreted[".rodata"]
	if len(interpreted) != 4 || !ro.ReadOnly || interpreted[".bss"].ReadOnly || string(ro.Get(zero)) != "\x01\x02\x03\x04" || interpreted["flows"].Kind != interp.Hash {
		t.Errorf("%+v", interpreted)
	}
}

func TestMapsThatAreNotSupported(t *testing.T) {
	for want, spec := range map[string]*ebpf.MapSpec{
		`map "m": contents string: string are not supported`: {Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Contents: []ebpf.MapKV{{Key: "a", Value: "b"}}},
	} {
		m := Maps{"m": spec}
		_, err := m.Host()
		_, err2 := m.Interp()
		for _, err := range []error{err, err2} {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		}
	}
}

func TestContexts(t *testing.T) {
	packet := DefaultPacket()
	if len(packet) != 64 {
		t.Errorf("a packet of %d bytes", len(packet))
	}
	skb := ContextOf(ebpf.SchedCLS, packet)
	if skb.Kind != interp.CtxSkb || len(skb.Bytes) != host.SkbSize || binary.LittleEndian.Uint32(skb.Bytes) != 64 || len(skb.Packet) != 64 {
		t.Errorf("%+v", skb)
	}
	regs := ContextOf(ebpf.Kprobe, packet)
	if regs.Kind != interp.CtxPlain || regs.Packet != nil || binary.LittleEndian.Uint64(regs.Bytes[112:]) != 1 || binary.LittleEndian.Uint64(regs.Bytes[64:]) != 6 {
		t.Errorf("%+v", regs)
	}
	if xdp := ContextOf(ebpf.XDP, packet); xdp.Kind != interp.CtxXDP || len(xdp.Bytes) != host.XDPSize || len(xdp.Packet) != 64 {
		t.Errorf("%+v", xdp)
	}
	if args := ContextOf(ebpf.Tracing, packet); !args.Objects || len(args.Unknown) != 1 || args.Unknown[0] != [2]int{0, plainSize} {
		t.Errorf("%+v", args)
	}
	if other := ContextOf(ebpf.CGroupSockAddr, packet); len(other.Bytes) != plainSize || other.Packet != nil || other.Objects {
		t.Errorf("%+v", other)
	}
}
