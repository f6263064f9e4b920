package sim

import (
	"slices"
	"testing"

	"tailpoke/patcher/protocol"
)

// contents are written short: one letter a byte.
func slotOf(expect, mem string, seen ...string) *slotState {
	var cs []content
	for _, s := range seen {
		cs = append(cs, content([]byte(s)))
	}
	return newSlotState(content([]byte(expect)), content([]byte(mem)), cs)
}

func TestStoresAreSeenInParts(t *testing.T) {
	to := content([]byte("aBcDe"))
	old := slotOf("abcde", "abcde", "abcde")
	for _, tc := range []struct {
		name string
		from *slotState
		kind protocol.MicroKind
		fits bool
		want *slotState
	}{
		{"head", old, protocol.HeadInt3, false, slotOf("abcde", "\xccbcde", "abcde", "\xccbcde")},
		{"tail", old, protocol.Tail, true, slotOf("abcde", "aBcDe", "abcde", "aBcde", "abcDe", "aBcDe")},
		{"tail behind an open head", slotOf("abcde", "\xccbcde", "abcde", "\xccbcde"), protocol.Tail, true,
			slotOf("abcde", "\xccBcDe", "abcde", "aBcde", "abcDe", "aBcDe", "\xccbcde", "\xccBcde", "\xccbcDe", "\xccBcDe")},
		{"one word", old, protocol.All, true, slotOf("abcde", "aBcDe", "abcde", "aBcDe")},
		{"two words", old, protocol.All, false, slotOf("abcde", "aBcDe", "abcde", "aBcde", "abcDe", "aBcDe")},
		{"bytes", old, protocol.Bytes, true, slotOf("abcde", "aBcDe", "abcde", "aBcde", "abcDe", "aBcDe")},
	} {
		got := tc.from.micro(tc.kind, to, tc.fits)
		if !got.equal(tc.want) || got.id != tc.want.id {
			t.Errorf("%s: memory %s, seen %s; want %s, %s", tc.name, got.mem, got.seen, tc.want.mem, tc.want.seen)
		}
		if !slices.ContainsFunc(got.seen, func(c content) bool { return c == got.mem }) {
			t.Errorf("%s: nobody sees what memory holds", tc.name)
		}
	}
}

func TestContentsPack(t *testing.T) {
	for _, c := range []content{nop5, {0xe9, 0xff, 0xfe, 0xfd, 0xfc}, {int3, 1, 2, 3, 4}} {
		if got := unpack(c.pack()); got != c {
			t.Errorf("% x becomes % x", c[:], got[:])
		}
	}
}
