package sim

import (
	"slices"
	"testing"

	"tailpoke/patcher/protocol"
)

// bytesOf is a content that is written short: one letter a byte.
func bytesOf(s string) (c content) {
	copy(c[:], s)
	return c
}

func slotOf(expect, mem string, seen ...string) *slotState {
	var cs []content
	for _, s := range seen {
		cs = append(cs, bytesOf(s))
	}
	return newSlotState(len(expect), bytesOf(expect), bytesOf(mem), cs)
}

func TestStoresAreSeenInParts(t *testing.T) {
	to := bytesOf("aBcDe")
	step := func(word string) protocol.MicroStep {
		m, ok := protocol.MicroStepByWord(word)
		if !ok {
			t.Fatal(word)
		}
		return m
	}
	old := slotOf("abcde", "abcde", "abcde")
	for _, tc := range []struct {
		name string
		from *slotState
		step protocol.MicroStep
		fits bool
		want *slotState
	}{
		{"head", old, step("head=int3"), false, slotOf("abcde", "\xccbcde", "abcde", "\xccbcde")},
		{"tail", old, step("tail"), true, slotOf("abcde", "aBcDe", "abcde", "aBcde", "abcDe", "aBcDe")},
		{"tail after an open head", slotOf("abcde", "\xccbcde", "abcde", "\xccbcde"), step("tail"), true,
			slotOf("abcde", "\xccBcDe", "abcde", "aBcde", "abcDe", "aBcDe", "\xccbcde", "\xccBcde", "\xccbcDe", "\xccBcDe")},
		{"one word", old, step("all"), true, slotOf("abcde", "aBcDe", "abcde", "aBcDe")},
		{"two words", old, step("all"), false, slotOf("abcde", "aBcDe", "abcde", "aBcde", "abcDe", "aBcDe")},
		{"two bytes of a word", old, protocol.MicroStep{Off: 1, Len: 2, Single: true}, true, slotOf("abcde", "aBcde", "abcde", "aBcde")},
		{"bytes in the middle", old, protocol.MicroStep{Off: 1, Len: 3}, true, slotOf("abcde", "aBcDe", "abcde", "aBcde", "abcDe", "aBcDe")},
		{"old bytes", slotOf("abcde", "\xccxcde", "\xccxcde"), protocol.MicroStep{Len: 2, From: protocol.FromOld, Single: true}, true,
			slotOf("abcde", "abcde", "\xccxcde", "abcde")},
		{"traps", old, protocol.MicroStep{Off: 3, From: protocol.FromTrap, Single: true}, true, slotOf("abcde", "abc\xcc\xcc", "abcde", "abc\xcc\xcc")},
		{"bytes", old, step("bytes"), true, slotOf("abcde", "aBcDe", "abcde", "aBcde", "abcDe", "aBcDe")},
	} {
		got := tc.from.micro(tc.step, to, tc.fits)
		if !got.equal(tc.want) || got.id != tc.want.id {
			t.Errorf("%s: memory %s, seen %s; want %s, %s", tc.name, got.mem, got.seen, tc.want.mem, tc.want.seen)
		}
		if !slices.ContainsFunc(got.seen, func(c content) bool { return c == got.mem }) {
			t.Errorf("%s: no CPU sees what memory holds", tc.name)
		}
	}
}
