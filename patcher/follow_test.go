//go:build linux && amd64

package patcher

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

// A follower knows what keys and slots must hold, by the protocol's text alone.
type follower struct {
	proto   protocol.Protocol
	held    [testKeys]*Program
	callers []*Program
	sites   []*site // in tracking order
}

// site is a direct site as the follower sees it.
type site struct {
	of    *Program
	key   int
	desc  *pokeDescriptor // for its addresses alone
	slots [protocol.Slots]text.Insn
}

func (f *follower) load(prog *Program) {
	f.callers = append(f.callers, prog)
	for _, d := range prog.pokes {
		s := &site{of: prog, key: d.site.Key, desc: d}
		s.slots[protocol.Bypass] = s.out()
		s.slots[protocol.Target] = text.Nop
		f.sites = append(f.sites, s)
		if f.held[s.key] == nil {
			continue
		}
		for _, act := range f.proto.Unroll(protocol.Install, 1) {
			if act.Kind == protocol.Poke {
				s.poke(act, f.held[s.key])
			}
		}
	}
}

// unload forgets the caller that was loaded last.
func (f *follower) unload() *Program {
	last := f.callers[len(f.callers)-1]
	f.callers = f.callers[:len(f.callers)-1]
	for f.sites[len(f.sites)-1].of == last {
		f.sites = f.sites[:len(f.sites)-1]
	}
	return last
}

// at is where a slot lies.
func (s *site) at(slot protocol.Slot) exec.Off {
	return s.of.off + exec.Off(s.desc.site.Slots[slot].Off)
}

// out is the jump over the site.
func (s *site) out() text.Insn {
	return text.Jump(s.at(protocol.Bypass), s.at(protocol.Target)+text.Size)
}

func (s *site) poke(act protocol.Action, prog *Program) (changed bool) {
	insn := text.Nop
	switch {
	case act.To == protocol.Jump && act.Slot == protocol.Bypass:
		insn = s.out()
	case act.To == protocol.Jump:
		insn = text.Jump(s.at(protocol.Target), prog.off+exec.Off(prog.Image.Landing))
	}
	changed = s.slots[act.Slot] != insn
	s.slots[act.Slot] = insn
	return changed
}

// operate returns the events of giving a key a program, or none.
func (f *follower) operate(key int, next *Program) []protocol.Event {
	old := f.held[key]
	f.held[key] = next
	op := protocol.Update
	switch {
	case old == nil && next == nil:
		return nil
	case old == nil:
		op = protocol.Install
	case next == nil:
		op = protocol.Remove
	}
	var sites []*site
	for _, s := range f.sites {
		if s.key == key {
			sites = append(sites, s)
		}
	}
	acts := f.proto.Unroll(op, len(sites))
	changed := make([]bool, len(acts))
	evs := []protocol.Event{{Kind: protocol.Called, Desc: protocol.NoDesc}}
	for i, act := range acts {
		ev := protocol.Event{Desc: act.Desc}
		switch act.Kind {
		case protocol.Publish:
			ev.Kind = protocol.Published
		case protocol.Poke:
			changed[i] = sites[act.Desc].poke(act, next)
			ev.Kind, ev.Slot, ev.To, ev.Changed = protocol.Poked, act.Slot, act.To, changed[i]
		case protocol.Wait:
			ev.Kind = protocol.Waited
			if act.IfChanged && !slices.Contains(changed[act.Since:i], true) {
				ev.Kind = protocol.WaitSkipped
			}
		case protocol.Retire:
			ev.Kind = protocol.Retired
		case protocol.Free:
			ev.Kind = protocol.Freed
		}
		evs = append(evs, ev)
	}
	evs = append(evs, protocol.Event{Kind: protocol.Returned, Desc: protocol.NoDesc})
	for i := range evs {
		evs[i].Op, evs[i].Key = op, key
	}
	return evs
}

// check compares memory with what the follower knows: slots, the rest of the callers'
// text, and the pointers that indirect sites read.
func (f *follower) check(t *testing.T, r *rig, mem *os.File) {
	t.Helper()
	want := map[*Program][]byte{}
	for _, c := range f.callers {
		want[c] = append([]byte(nil), c.Image.Code...)
	}
	for _, s := range f.sites {
		for slot, insn := range s.slots {
			copy(want[s.of][s.at(protocol.Slot(slot))-s.of.off:], insn[:])
		}
	}
	for _, c := range f.callers {
		if got := r.textOf(c); !bytes.Equal(want[c], got) { // cmp.Diff takes its time on text
			t.Fatalf("text of %s, -wanted +found:\n%s", c.Name, cmp.Diff(want[c], got))
		}
		for i, s := range c.Slots() {
			if got := [2]text.Insn{text.Insn(r.arena.Read(s.At[0], text.Size)), text.Insn(r.arena.Read(s.At[1], text.Size))}; got != s.Insns {
				t.Fatalf("site %d of %s holds %v, Slots says %v", i, c.Name, got, s.Insns)
			}
		}
	}
	for key, prog := range f.held {
		ptr := uint64(0)
		if prog != nil {
			ptr = r.p.data.Addr(r.p.structOff(prog))
		}
		at := r.a.addr + uint64(r.layout.ArrayPtrs) + 8*uint64(key)
		if got := word(t, mem, at); got != ptr {
			t.Fatalf("key %d points to %#x, want %#x", key, got, ptr)
		}
		if prog != nil {
			if got := word(t, mem, ptr+uint64(r.layout.ProgFunc)); got != r.p.Addr(prog) {
				t.Fatalf("bpf_func of %s is %#x, want %#x", prog.Name, got, r.p.Addr(prog))
			}
		}
	}
}

// word reads memory as an image does.
func word(t *testing.T, mem *os.File, addr uint64) uint64 {
	t.Helper()
	var b [8]byte
	if _, err := mem.ReadAt(b[:], int64(addr)); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(b[:])
}

// TestEventsFollowTheProtocol carries random operations out by every protocol that the
// project knows. The patcher must do what the protocol's text says, in its order, and
// nothing else.
func TestEventsFollowTheProtocol(t *testing.T) {
	def := protocol.DefaultSubject()
	var subjects []protocol.Subject
	for _, p := range protocol.Protocols() {
		def.Protocol = p
		subjects = append(subjects, def)
	}
	for _, m := range protocol.Zoo() {
		s := mutated(t, m.Name)
		if s.Protocol.LifeFault(protocol.Update) == "" && s.Protocol.LifeFault(protocol.Remove) == "" {
			subjects = append(subjects, s) // the patcher refuses the others: see TestLifeErrors
		}
	}
	for _, l := range jit.Layouts() {
		for i, s := range subjects {
			t.Run(l.Name+"/"+s.Protocol.Name, func(t *testing.T) {
				follow(t, newRig(t, setting{protocol: &s.Protocol, method: &s.Method, grace: &s.Grace, layout: l}), s.Protocol, uint64(i))
			})
		}
	}
}

func follow(t *testing.T, r *rig, proto protocol.Protocol, seed uint64) {
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	rng := rand.New(rand.NewPCG(seed, 1))
	f := &follower{proto: proto}
	progs := []*Program{r.held(t, 0), r.held(t, 1), r.held(t, 2)}
	f.load(r.load(t, "caller", r.caller(t, 0, 1, 0, 2, 0)))
	more := [][]int{{0}, {1, 1}, {3, 0, 1, 2}, {2}}
	for i := range 80 {
		var want []protocol.Event
		r.events = nil
		key, what := rng.IntN(testKeys), ""
		switch n := rng.IntN(10); {
		case n < 5:
			p := rng.IntN(len(progs)) // the one that the key holds, now and then
			what = fmt.Sprintf("put %d %d", key, p)
			want = f.operate(key, progs[p])
			r.update(t, key, progs[p])
		case n < 8:
			what = fmt.Sprintf("delete %d", key)
			was := f.held[key] != nil
			want = f.operate(key, nil)
			if ok, err := r.a.Delete(key); err != nil || ok != was {
				t.Fatalf("call %d, %s: %v, %v", i, what, ok, err)
			}
		case n == 8 && len(f.callers) <= len(more):
			what = "load"
			f.load(r.load(t, fmt.Sprint("copy ", len(f.callers)), r.caller(t, more[len(f.callers)-1]...)))
		case len(f.callers) > 1:
			what = "unload"
			prog := f.unload()
			if err := r.p.Unload(prog); err != nil {
				t.Fatal(err)
			}
			if !r.erased(prog) {
				t.Fatalf("call %d, %s: the text is still there", i, what)
			}
		}
		if diff := cmp.Diff(want, r.events); diff != "" {
			t.Fatalf("seed %d, call %d, %s: -protocol +patcher\n%s", seed, i, what, diff)
		}
		f.check(t, r, mem)
	}
}
