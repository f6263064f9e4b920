//go:build linux && amd64

package patcher

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

// TestStates walks two keys through their life; two sites follow key 0, one key 1.
func TestStates(t *testing.T) {
	for _, c := range []struct{ protocol, removed string }{
		{"kernel", "CCB"}, {"batched", "CCB"}, {"lazy", "DDB"}, {"no-grace", "CCB"}, {"forgotten-close", "BBB"},
		{"double-grace", "CCB"}, {"two-pass-install", "CCB"},
	} {
		t.Run(c.protocol, func(t *testing.T) {
			r := newRig(t, setting{protocol: named(t, c.protocol)})
			p0, p1 := r.held(t, 0), r.held(t, 1)
			caller := r.load(t, "caller", r.caller(t, 0, 0, 1))
			want := func(when, states string) {
				t.Helper()
				if got := r.states(caller); got != states {
					t.Errorf("%s: states %s, want %s", when, got, states)
				}
			}
			want("loaded", "CCC")
			r.update(t, 0, p0)
			want("key 0 installed", "BBC")
			r.update(t, 1, p0)
			r.update(t, 0, p1)
			want("key 0 updated", "BBB")
			r.delete(t, 0)
			want("key 0 removed", c.removed)
			r.update(t, 0, p0)
			want("key 0 installed again", "BBB")
		})
	}
}

// TestRemoveUndoesInstall wants a caller's text as it was, byte for byte.
func TestRemoveUndoesInstall(t *testing.T) {
	for _, c := range []struct {
		protocol string
		undone   bool
	}{{"kernel", true}, {"batched", true}, {"lazy", false}} {
		for _, l := range jit.Layouts() {
			r := newRig(t, setting{protocol: named(t, c.protocol), layout: l})
			p0, p1 := r.held(t, 0), r.held(t, 1)
			caller := r.load(t, "caller", r.caller(t, 0, 1, 0))
			before := r.textOf(caller)
			if !bytes.Equal(before, caller.Image.Code) {
				t.Errorf("%s, %s: loading into empty keys changed the image", c.protocol, l.Name)
			}
			for range 2 {
				r.update(t, 0, p0)
				r.update(t, 0, p1)
				if bytes.Equal(before, r.textOf(caller)) {
					t.Errorf("%s, %s: an install changed nothing", c.protocol, l.Name)
				}
				r.delete(t, 0)
				if got := bytes.Equal(before, r.textOf(caller)); got != c.undone {
					t.Errorf("%s, %s: undone %v", c.protocol, l.Name, got)
				}
			}
			r.close(t) // arenas are few
		}
	}
}

func TestUpdateWithTheSameProgram(t *testing.T) {
	for _, name := range []string{"kernel", "batched", "lazy", "free-on-update"} {
		r := newRig(t, setting{protocol: named(t, name)})
		caller := r.load(t, "caller", r.caller(t, 0, 0))
		prog := r.load(t, "p0", r.program(t, 0)) // the key alone holds it
		r.update(t, 0, prog)
		was := r.textOf(caller)
		r.events = nil
		r.update(t, 0, prog)
		pokes := 0
		for _, ev := range r.events {
			switch {
			case ev.Kind == protocol.Poked && ev.Changed, ev.Kind == protocol.Waited:
				t.Errorf("%s: %v", name, ev)
			case ev.Kind == protocol.Poked:
				pokes++
			}
		}
		r.p.Reap()
		if pokes != 2 || prog.Gone() || r.erased(prog) || !bytes.Equal(was, r.textOf(caller)) {
			t.Errorf("%s: %d pokes, gone %v, erased %v", name, pokes, prog.Gone(), r.erased(prog))
		}
		r.delete(t, 0)
		if !prog.Gone() {
			t.Errorf("%s: the key lets the program go, and it is not gone", name)
		}
	}
}

func TestDeleteOfAnAbsentKey(t *testing.T) {
	r := newRig(t, setting{})
	caller := r.load(t, "caller", r.caller(t, 0, 1))
	was := r.textOf(caller)
	for range 2 {
		if ok, err := r.a.Delete(0); ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
	}
	if len(r.events) != 0 || !bytes.Equal(was, r.textOf(caller)) {
		t.Errorf("events %v", r.events)
	}
}

// TestLifeErrors: an operation that lets go of what it replaced twice, too early or never is ended
// with an error that names the program.
func TestLifeErrors(t *testing.T) {
	for remove, want := range map[string]struct {
		property protocol.Property
		text     string
	}{
		"publish; retire":         {"", ""},
		"publish; retire; retire": {protocol.NoDoubleFree, "lets go of p0 a second time"},
		"publish; free; retire":   {protocol.NoDoubleFree, "lets go of p0 a second time"},
		"retire; publish":         {protocol.NoEarlyFree, "lets go of p0, which the map's pointer still names"},
		"free":                    {protocol.NoEarlyFree, "lets go of p0, which the map's pointer still names"},
		"publish":                 {protocol.NoLeak, "has replaced p0, which nobody will free"},
		"":                        {"", ""}, // the map's pointer goes on holding it
	} {
		p, err := protocol.ParseProtocol("protocol p install publish update publish; retire remove " + remove)
		if err != nil {
			t.Fatal(err)
		}
		if fault := p.LifeFault(protocol.Remove); fault != want.property {
			t.Errorf("%s: by its text %q, want %q", remove, fault, want.property)
		}
		r := newRig(t, setting{protocol: &p})
		r.update(t, 0, r.held(t, 0))
		_, err = r.a.Delete(0)
		wrong, ok := errors.AsType[*LifeError](err)
		switch {
		case want.property == "" && err == nil:
		case !ok || wrong.Property != want.property || err.Error() != "remove of key 0 of jmp_table: "+want.text:
			t.Errorf("%s: %v, want %s: %s", remove, err, want.property, want.text)
		}
		r.close(t)
	}
}

// TestWaitIfChanged: a wait waits, and one "if changed" is skipped where no poke changed a byte.
func TestWaitIfChanged(t *testing.T) {
	waits := func(r *rig) (waited, skipped int) {
		for _, ev := range r.events {
			switch ev.Kind {
			case protocol.Waited:
				waited++
			case protocol.WaitSkipped:
				skipped++
			}
		}
		r.events = nil
		return waited, skipped
	}
	for _, c := range []struct {
		name, protocol         string
		sites, waited, skipped int
	}{
		{"a wait a site", "kernel", 3, 3, 0},
		{"no site", "kernel", 0, 0, 0},
		{"one wait for all", "batched", 3, 1, 0},
		{"a wait for no site", "batched", 0, 1, 0},
		{"two waits a site", "double-grace", 2, 4, 0},
		{"if a byte of no site changed", "protocol p install publish update remove publish; each { target=nop }; wait if changed; retire", 0, 0, 1},
		{"if a byte of any site changed", "protocol p install publish; each { target=jump } update remove publish; each { target=nop }; wait if changed; retire", 2, 1, 0},
		{"bypass closed already", "protocol p install publish; each { target=jump } update remove publish; each { bypass=jump; wait if changed; target=nop }; retire", 2, 0, 2},
		{"closed already, waits all the same", "protocol p install publish; each { target=jump } update remove publish; each { bypass=jump; wait; target=nop }; retire", 2, 2, 0},
		{"closed twice", "protocol p install publish; each { target=jump; bypass=nop } update remove publish; each { bypass=jump; wait if changed; bypass=jump; wait if changed }; retire", 1, 2, 0},
	} {
		p, err := protocol.ParseProtocol(c.protocol)
		if err != nil {
			p = *named(t, c.protocol)
		}
		r := newRig(t, setting{protocol: &p})
		r.load(t, "caller", r.caller(t, append(make([]int, c.sites), 1)...))
		r.update(t, 0, r.held(t, 0))
		waits(r)
		r.delete(t, 0)
		if waited, skipped := waits(r); waited != c.waited || skipped != c.skipped {
			t.Errorf("%s: %d waited, %d skipped, want %d and %d", c.name, waited, skipped, c.waited, c.skipped)
		}
		r.close(t) // arenas are few
	}
}

// TestForeignBytes writes into a slot behind the patcher's back.
func TestForeignBytes(t *testing.T) {
	r := newRig(t, setting{})
	p0, p1 := r.held(t, 0), r.held(t, 1)
	caller := r.load(t, "caller", r.caller(t, 0))
	r.update(t, 0, p0)
	s := caller.Slots()[0]
	foreign := text.Jump(s.At[protocol.Target], 7)
	r.arena.Write(s.At[protocol.Target], foreign[:])
	was := r.textOf(caller)
	r.events = nil
	err := r.a.Update(0, p1)
	var mm *text.MismatchError
	if !errors.As(err, &mm) || *mm != (text.MismatchError{Off: s.At[protocol.Target], Want: s.Insns[protocol.Target], Got: foreign}) {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(was, r.textOf(caller)) {
		t.Error("a refused poke wrote")
	}
	if n := len(r.events); n != 2 || r.events[n-1].Kind != protocol.Published {
		t.Errorf("events %v: an operation that was given up has not returned", r.events)
	}
	if _, err := r.a.Delete(1); err != nil { // would hang had the mutex been kept
		t.Error(err)
	}
}

// TestRelease: the last holder that lets a program go has it freed, be that a key or a user.
func TestRelease(t *testing.T) {
	for _, keyLast := range []bool{false, true} {
		r := newRig(t, setting{})
		structs, _, _ := r.resources()
		prog := r.held(t, 0)
		r.update(t, 0, prog)
		lets := []func(){func() { r.delete(t, 0) }, func() { r.p.Release(prog) }}
		if keyLast {
			slices.Reverse(lets)
		}
		lets[0]()
		if err := r.p.Synchronize(); err != nil || prog.Gone() {
			t.Errorf("key last %t: gone %t while one holds it: %v", keyLast, prog.Gone(), err)
		}
		lets[1]()
		if !prog.Gone() || r.arena.Read(prog.off, 1)[0] == exec.Int3 {
			t.Errorf("key last %t: gone %t, freed before its grace period", keyLast, prog.Gone())
		}
		if err := r.p.Synchronize(); err != nil {
			t.Error(err)
		}
		if s, _, _ := r.resources(); s != structs || r.arena.Read(prog.off, 1)[0] != exec.Int3 {
			t.Errorf("key last %t: %d structs before, %d after", keyLast, structs, s)
		}
	}
}
