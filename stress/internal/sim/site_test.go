package sim

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// wide is an account of a site with one slot of 8 bytes, whose jumps come first.
func wide() *protocol.Site {
	instruction := func(head byte, leads protocol.Leads) protocol.Instruction {
		in := protocol.Instruction{Name: "nop", Code: make([]byte, 8), Leads: leads, Does: "goes on"}
		if in.Code[0] = head; leads != protocol.ToNext {
			in.Name, in.Disp = "jump", 4
		}
		return in
	}
	return &protocol.Site{
		Slots: []protocol.SlotKind{{Name: "wide", Size: 8, May: []protocol.Instruction{
			instruction(0xe9, protocol.ToOut), instruction(0x0f, protocol.ToNext),
		}}},
		Forbidden: []protocol.Path{
			{Through: []protocol.Content{0}, Breaks: protocol.NoMiss}, {Through: []protocol.Content{0}, Breaks: protocol.NeverA},
		},
	}
}

// TestOtherSites: sizes, contents and paths are the account's; of two paths that end alike, the
// first counts.
func TestOtherSites(t *testing.T) {
	of := wide()
	at := &slot{at: 0x1000, out: 0x1100, size: 8, first: []int{0, 1}}
	at.add(of, 0, at.out, none)
	at.add(of, 1, at.out, none)
	jump := content{0xe9, 0, 0, 0, 0xf8}
	if w := &at.wholes[0]; w.bytes != jump || w.breaks != protocol.NoMiss || w.path != "wide=jump (goes on)" {
		t.Errorf("%+v", w)
	}
	if w := &at.wholes[1]; w.bytes != (content{0x0f}) || w.breaks != "" || w.path != "" {
		t.Errorf("%+v", w)
	}
	if at.holds(jump) != 0 || at.holds(content{0xe9}) != -1 || at.whole(1, 7) != 1 {
		t.Errorf("bytes are %d and %d, a nop is %d", at.holds(jump), at.holds(content{0xe9}), at.whole(1, 7))
	}
	if !at.fits() || (&slot{at: 0x1001, size: 8}).fits() || !(&slot{at: 0x1007, size: 1}).fits() {
		t.Error("slots fit into words otherwise")
	}
	if got := taken(&of.Slots[0]); got != 1 {
		t.Errorf("a key that holds a program has %d in its slot", got)
	}
	tail := protocol.TailCall()
	if taken(&tail.Slots[protocol.Bypass]) != protocol.Nop || taken(&tail.Slots[protocol.Target]) != protocol.Jump {
		t.Error("a tail call is not taken")
	}
	s := newTestSystem(t)
	for want, slots := range map[string][]protocol.SlotKind{
		"again has a site of 2 slots: a wide call has 1":           of.Slots,
		"the slots of images have 5 bytes, those of a wide call 8": append(of.Slots, of.Slots...),
	} {
		s.site = protocol.Site{Name: "wide call", Slots: slots}
		if err := s.place(s.texts[0].img, "again"); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestWhatSlotsHold has bytes of a slot that are whole, trapped, mixed and torn.
func TestWhatSlotsHold(t *testing.T) {
	s := newTestSystem(t)
	at := &s.slots[s.sites[0].slots[protocol.Target]]
	p0 := at.wholes[at.whole(protocol.Jump, 1)].bytes
	trap := []byte{protocol.Trap}
	for want, c := range map[string]content{
		"nop": at.wholes[at.whole(protocol.Nop, none)].bytes, "jump-p1": p0, "int3-p1": p0.with(0, trap),
		"int3-mixed": p0.with(0, trap).with(4, []byte{0x77}), "torn": p0.with(0, []byte{0x0f}),
	} {
		if got := at.reads(c).String(); got != want {
			t.Errorf("% x is %s, want %s", c[:at.size], got, want)
		}
	}
}

// TestExplorerKnowsNoInstructions: of the explorer's files none imports the instruction set.
func TestExplorerKnowsNoInstructions(t *testing.T) {
	for _, name := range []string{"explore", "expand", "mutate", "state", "slot", "table", "check", "witness"} {
		f, err := parser.ParseFile(token.NewFileSet(), name+".go", nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if strings.Contains(i.Path.Value, "x86") || strings.Contains(i.Path.Value, "jit") {
				t.Errorf("%s.go imports %s", name, i.Path.Value)
			}
		}
	}
}
