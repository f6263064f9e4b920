package regress

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Step is one thing that a case does.
type Step interface {
	// String is the step in a line.
	String() string
	carry(x *execution) error
}

// Put puts a program under a key of a prog array.
type Put struct {
	Map  string
	Key  uint32
	Prog string
}

// Delete empties a key. Absent says that it is empty already, which must be reported.
type Delete struct {
	Map    string
	Key    uint32
	Absent bool
}

// Set sets a global variable.
type Set struct {
	Var   string
	Value uint64
}

// Run runs a program, and says what must come of it.
type Run struct {
	Prog  string // "" for the case's entry
	Input Input
	Want  Want
	But   map[Era]Want // instead of Want, where an era differs from today's kernels
}

// Poke loads Load anew, Times times, and runs each, while another thread puts the programs of
// Between under a key in turn: the key is never empty. Every run must give one of Want.
type Poke struct {
	Map     string
	Key     uint32
	Between []string
	Load    string
	Times   int
	Want    []uint32
}

// Input is what a program is run with.
type Input struct {
	// Packet is what the programs of packets see from offset 0 on; its length is the field len of
	// their context, and the field cb is zero. All else of that context is up to the column.
	Packet []byte
	// Args are the context of a raw tracepoint.
	Args []uint64
}

// Want is what must come of a run.
type Want struct {
	R0    uint32
	Tails int // tail calls taken, where the case counts them
	Vars  map[string]uint64
	Elems []Elem

	// Endless: the run does not end. When it is thrown out, more than Limit tail calls must have
	// been counted; nothing else is expected.
	Endless bool

	// Breaks is the property that the run must be found to break.
	Breaks string
	// Chance: what memory happens to hold decides, and the result that the era's rules give is
	// as right as this one.
	Chance bool
}

// Elem is an element of a map, as bytes. A nil value is none.
type Elem struct {
	Map        string
	Key, Value []byte
}

// want is what an era gives.
func (r *Run) want(e Era) Want {
	if w, ok := r.But[e]; ok {
		return w
	}
	if w, ok := r.But[e.rules()]; ok {
		return w
	}
	return r.Want
}

func (s Put) String() string { return fmt.Sprintf("put %s[%d] = %s", s.Map, s.Key, s.Prog) }

func (s Delete) String() string {
	if s.Absent {
		return fmt.Sprintf("delete %s[%d], which is empty", s.Map, s.Key)
	}
	return fmt.Sprintf("delete %s[%d]", s.Map, s.Key)
}

func (s Set) String() string { return fmt.Sprintf("set %s = %d", s.Var, s.Value) }

func (s Run) String() string { return strings.TrimSpace("run " + s.Prog) }

func (s Poke) String() string {
	return fmt.Sprintf("load %s %d times while %s[%d] changes", s.Load, s.Times, s.Map, s.Key)
}

// all puts programs under the keys from 0 on.
func all(m string, progs ...string) []Step {
	var out []Step
	for i, p := range progs {
		out = append(out, Put{m, uint32(i), p})
	}
	return out
}

// steps joins steps and lists of them.
func steps(parts ...any) []Step {
	var out []Step
	for _, p := range parts {
		switch p := p.(type) {
		case Step:
			out = append(out, p)
		case []Step:
			out = append(out, p...)
		default:
			panic(fmt.Sprintf("regress: %T is no step", p))
		}
	}
	return out
}

// carry loads and runs on this goroutine while another one updates the key. The other one
// starts first and stops last, so that every load meets updates.
func (s Poke) carry(x *execution) error {
	stop, started := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	var updates int
	var updateErr error
	wg.Go(func() {
		defer func() {
			if updates == 0 {
				close(started)
			}
		}()
		for {
			for _, p := range s.Between {
				if updateErr = x.session.Put(s.Map, s.Key, p); updateErr != nil {
					return
				}
				if updates++; updates == 1 {
					close(started)
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	<-started
	err := s.loads(x)
	close(stop)
	wg.Wait()
	if updateErr != nil {
		return fmt.Errorf("update: %w", updateErr)
	}
	return err
}

func (s Poke) loads(x *execution) error {
	for n := range s.Times {
		if err := x.session.Reload(s.Load); err != nil {
			return fmt.Errorf("load %d: %w", n+1, err)
		}
		r0, err := x.session.Run(s.Load, Input{Packet: plain})
		if v, ok := errors.AsType[*Violation](err); ok {
			x.violated = append(x.violated, v.Property)
			return differ("what is violated", "nothing", v.Error())
		}
		if err != nil {
			return fmt.Errorf("run %d: %w", n+1, err)
		}
		if !slices.Contains(s.Want, r0) {
			return differ("the result", fmt.Sprint("one of ", s.Want), fmt.Sprint(r0))
		}
	}
	return nil
}
