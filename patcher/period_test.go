//go:build linux && amd64

package patcher

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
)

// TestPeriodsAreWaitedFor has the only thread, a reader that rcu waits for, stay inside a program. A
// remove that waits for rcu does not return meanwhile, and what is retired for rcu is not freed. What
// other grace periods are to wait for is not held up.
func TestPeriodsAreWaitedFor(t *testing.T) {
	const kinds = "protocol p\n reader a: rcu\n reader b: srcu\n install publish; each { target=jump; bypass=nop }\n"
	for _, c := range []struct {
		remove string
		held   bool // the remove does not return before the reader leaves
		kept   bool // the program is not freed before
	}{
		{"publish; each { bypass=jump; wait srcu; target=nop }; retire srcu", false, false},
		{"publish; each { bypass=jump; wait; target=nop }; retire", false, false}, // the subject's: nobody's
		{"publish; each { bypass=jump }; retire rcu", false, true},
		{"publish; each { bypass=jump; wait srcu; wait rcu }; retire srcu", true, true},
		{"publish; each { bypass=jump }; wait srcu; wait rcu if changed; free", true, true},
	} {
		p, err := protocol.ParseProtocol(kinds + " update publish; retire\n remove " + c.remove)
		if err != nil {
			t.Fatal(err)
		}
		g := newGate(t)
		r := newRig(t, setting{protocol: &p, threads: 1, silent: true})
		t.Cleanup(g.open)
		caller := r.load(t, "caller", r.caller(t, 0))
		prog := r.load(t, "gate", g.image())
		r.update(t, 0, prog)
		r.start(t, caller)
		g.arrived(t)
		var over atomic.Bool
		var wg sync.WaitGroup
		wg.Go(func() {
			if ok, err := r.a.Delete(0); !ok || err != nil {
				t.Errorf("%s: %v, %v", c.remove, ok, err)
			}
			over.Store(true)
		})
		if c.held {
			time.Sleep(20 * time.Millisecond)
		} else {
			waitFor(t, over.Load)
		}
		r.p.Reap()
		if over.Load() == c.held || r.erased(prog) == c.kept {
			t.Errorf("%s: returned %v, freed %v", c.remove, over.Load(), r.erased(prog))
		}
		if c.kept { // else nobody comes back from there
			g.open()
			waitFor(t, func() bool { r.p.Reap(); return r.erased(prog) })
			r.stop(t)
		}
		wg.Wait()
		r.close(t)
	}
}
