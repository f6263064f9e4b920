package kernel

import (
	"encoding/hex"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
)

// TestSlotBytes: what five bytes mean, at slots that begin at 0x1000 and 0x1010. Programs 0 to 2 are
// entered at 0x2034, 0x12034 and, as far from the target as a nop says, 0x5434.
func TestSlotBytes(t *testing.T) {
	site := newWatchSite(0, 0, 0, &identity.Site{Slots: [protocol.Slots]identity.Slot{
		protocol.Bypass: {Addr: 0x1000, Out: 0x1015}, protocol.Target: {Addr: 0x1010},
	}})
	landings := map[uint64]int{0x2034: 0, 0x12034: 1}
	near := map[uint64]int{0x2034: 0, 0x1015 + 0x441f: 2}
	for _, row := range []struct {
		slot     protocol.Slot
		bytes    string
		landings map[uint64]int
		want     string // "!": wrong, and what is said of it
	}{
		{protocol.Bypass, "0f1f440000", landings, "nop"},
		{protocol.Bypass, "e910000000", landings, "jump-out"},
		{protocol.Bypass, "cc1f440000", landings, "int3-nop"},
		{protocol.Bypass, "cc10000000", landings, "int3-out"},
		{protocol.Bypass, "cc1f000000", landings, "int3-mixed"},
		{protocol.Bypass, "0f10000000", landings, "torn"},
		{protocol.Bypass, "e91f440000", landings, "torn"},
		{protocol.Bypass, "e911000000", landings, "!a jump to 0x1016, and not over the site to 0x1015"},
		{protocol.Bypass, "e92f100000", landings, "!a jump to 0x2034, and not over the site to 0x1015"},
		{protocol.Bypass, "4883000148", landings, "!holds 48 83 00 01 48, which is no instruction of a site"},
		{protocol.Target, "0f1f440000", landings, "nop"},
		{protocol.Target, "e91f100000", landings, "jump-p0"},
		{protocol.Target, "e91f100100", landings, "jump-p1"},
		{protocol.Target, "cc1f440000", landings, "int3-nop"},
		{protocol.Target, "cc1f100000", landings, "int3-p0"},
		{protocol.Target, "cc1f100100", landings, "int3-p1"},
		{protocol.Target, "cc1f440100", landings, "int3-mixed"},
		{protocol.Target, "e91f440100", landings, "torn"},
		{protocol.Target, "0f1f100000", landings, "torn"},
		{protocol.Target, "e91f100200", landings, "!a jump to 0x22034, where no program lies"},
		{protocol.Target, "cc1f100200", landings, "!int3 before the tail of no instruction"},
		{protocol.Target, "0f1f100200", landings, "!begins as a nop and does not end as one"},
		{protocol.Target, "e9ebffffff", landings, "!a jump to 0x1000, where no program lies"},
		{protocol.Target, "e91f100000", nil, "!a jump to 0x2034, where no program lies"},
		{protocol.Target, "e91f440000", near, "jump-p2"},
		{protocol.Target, "0f1f440000", near, "nop"},
		{protocol.Target, "cc1f440000", near, "int3"},
	} {
		raw, err := hex.DecodeString(row.bytes)
		if err != nil {
			t.Fatal(err)
		}
		b, slot := slotBytes(raw), &site.slots[row.slot]
		r := slot.read(b, row.landings)
		says := r.raw.String()
		if r.wrong {
			says = "!" + slot.complain(b)
		}
		if want, wrong := strings.CutPrefix(row.want, "!"); wrong != r.wrong || wrong && !strings.Contains(says, want) || !wrong && says != want {
			t.Errorf("%v %s: %s, want %s", row.slot, row.bytes, says, row.want)
		}
	}
}

// TestSlotLearnsOfPrograms: a reading that is remembered is made anew once more programs are known.
func TestSlotLearnsOfPrograms(t *testing.T) {
	site := newWatchSite(0, 0, 0, &identity.Site{
		Slots: [protocol.Slots]identity.Slot{protocol.Target: {Addr: 0x1010}},
	})
	slot := &site.slots[protocol.Target]
	jump := fakeJump(0x1010, 0x2034)
	if r := slot.read(jump, nil); !r.wrong {
		t.Errorf("%v of an unknown program", r)
	}
	if r := slot.read(jump, map[uint64]int{0x2034: 4}); r != said(protocol.HeadJump, 4) {
		t.Errorf("%v of program 4", r)
	}
}

// TestOldNops: on old kernels a slot may hold another nop, and the usual one is none there.
func TestOldNops(t *testing.T) {
	old := slotBytes{0x66, 0x66, 0x66, 0x66, 0x90}
	s := watchSlot{Slot: identity.Slot{Addr: 0x1000, Out: 0x1015, Nop: old}}
	for text, want := range map[string]protocol.SlotText{
		"6666666690": {Head: protocol.HeadNop, Tail: protocol.NopTail},
		"cc66666690": {Head: protocol.HeadTrap, Tail: protocol.NopTail},
		"cc10000000": {Head: protocol.HeadTrap, Tail: protocol.OutTail},
		"cc10006690": {Head: protocol.HeadTrap, Tail: protocol.MixedTail},
		"0f1f440000": {},
		"cc1f440000": {},
	} {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.classify(slotBytes(raw), nil); got.raw != want || got.wrong != (want == protocol.SlotText{}) {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}
