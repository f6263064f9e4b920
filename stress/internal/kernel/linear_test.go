package kernel

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tailpoke/stress/internal/live"

	"github.com/anishathalye/porcupine"
)

// An access is an operation on a key, or an execution that shows what it holds.
type access struct {
	reads bool
	gives int // what the key is given
}

// TestLinearizable: one caller with one site, which several threads execute, and its key, which one
// changes, are together like one register: every execution shows what the key held at one moment of
// it, and none shows something older than one that had ended before it began.
func TestLinearizable(t *testing.T) {
	c := rig(t).withDefaults()
	c.Callers = 2 // the second shows what it returns, and is executed alone
	c.Keys = c.Keys[:1]
	l, err := open(&c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	h := history(t, &c, l, 4, 400)
	if overlapping(h) == 0 {
		t.Error("no execution overlapped an operation: nothing was tested")
	}
	t.Logf("%d accesses, %d executions overlapped an operation", len(h), overlapping(h))
	if r := porcupine.CheckOperationsTimeout(register, h, time.Minute); r != porcupine.Ok {
		t.Errorf("the history is %v", r)
	}
	// The checker of histories can fail: one that shows the last execution something else.
	broken := append([]porcupine.Operation(nil), h...)
	for i := range broken {
		if broken[i].Input.(access).reads {
			broken[i].Output = 102
			break
		}
	}
	if r := porcupine.CheckOperationsTimeout(register, broken, time.Minute); r != porcupine.Illegal {
		t.Errorf("a history with a value that nobody gave is %v", r)
	}
}

// register is a key: what is given last is what executions show. Falling through is 7.
var register = porcupine.Model{
	Init: func() any { return 7 },
	Step: func(state, input, output any) (bool, any) {
		if a := input.(access); !a.reads {
			return true, a.gives
		}
		return state == output, state
	},
}

// history executes on threads while the key goes through so many operations, and notes when each began
// and ended. In one operation a thread executes eight times at most: one that waits for a grace period
// would fill the history with what the checker then goes through.
func history(t *testing.T, c *Config, l *loaded, threads, operations int) []porcupine.Operation {
	var mu sync.Mutex
	var h []porcupine.Operation
	start := time.Now()
	note := func(who int, in access, do func() (int, error)) {
		from := time.Since(start)
		out, err := do()
		to := time.Since(start)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		h = append(h, porcupine.Operation{ClientId: who, Input: in, Output: out, Call: int64(from), Return: int64(to)})
		mu.Unlock()
	}
	done := make(chan struct{})
	var begun atomic.Int64
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() {
			opts := c.Input.options(l.entry.Type, 1)
			for last, n := int64(0), 0; !live.IsDone(done); n++ {
				if now := begun.Load(); now != last {
					last, n = now, 0
				}
				if n >= 8 {
					time.Sleep(20 * time.Microsecond)
					continue
				}
				note(i, access{reads: true}, func() (int, error) {
					v, err := l.callers[1].Run(opts)
					return int(v), err
				})
				time.Sleep(20 * time.Microsecond)
			}
		})
	}
	m := l.arrays["progs"]
	for n := range operations {
		begun.Add(1)
		switch n % 8 {
		case 7:
			note(threads, access{gives: 7}, func() (int, error) { return 0, m.Delete(uint32(0)) })
		default:
			note(threads, access{gives: 100 + n%2}, func() (int, error) { return 0, m.Put(uint32(0), l.pinned[n%2].Program) })
		}
	}
	close(done)
	wg.Wait()
	return h
}

// overlapping counts executions that ran while an operation did.
func overlapping(h []porcupine.Operation) int {
	n := 0
	for _, e := range h {
		for _, o := range h {
			if e.Input.(access).reads && !o.Input.(access).reads && e.Call < o.Return && o.Call < e.Return {
				n++
				break
			}
		}
	}
	return n
}
