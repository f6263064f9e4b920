package workload

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cilium/ebpf"

	"tailpoke/jit"
	"tailpoke/jit/host"
	"tailpoke/patcher/protocol"
)

// Workload is what threads execute and what its keys may be given. What engines need of it
// beyond its fields is computed when the first of them asks, and then kept: images, and what
// an execution may return. So it must not be copied, nor changed once an engine has it.
// Several goroutines may use it.
type Workload struct {
	Entry    *jit.Program
	Programs []*jit.Program
	Maps     map[string]int // number of keys of each prog array
	Keys     []protocol.Key // the keys that change
	Data     Maps           // the maps beside prog arrays
	Context  Context        // what R1 points to
	Source   Source

	spec    *ebpf.CollectionSpec // as it was decoded; nil: generated
	limit   error                // why it can be executed in a kernel alone, or nil
	markers int                  // how many of the last programs are markers

	images  memo[imageKey, *jit.Image]
	oracles memo[oracleKey, *Oracle]
	marked  memo[string, *Workload]   // by context
	best    memo[jit.Layout, Context] // with which most executions take a tail call
}

// Computed says how many oracles and images were computed, as tests want to know.
func (w *Workload) Computed() (oracles, images int) { return w.oracles.size(), w.images.size() }

// all lists the entry and the programs.
func (w *Workload) all() []*jit.Program { return append([]*jit.Program{w.Entry}, w.Programs...) }

// Collection is what a kernel loads, new at each call.
func (w *Workload) Collection() *ebpf.CollectionSpec {
	if w.spec == nil {
		return w.generatedCollection()
	}
	return w.spec.Copy()
}

// Fitted is the workload with these keys, and with the programs of these names that keys are given: its
// own, and some that were made. What was computed for it stays where nothing changes.
func (w *Workload) Fitted(keys []protocol.Key, programs []string, made map[string]*ebpf.ProgramSpec) (*Workload, error) {
	same := func(p *jit.Program, name string) bool { return p.Name == name }
	if slices.Equal(keys, w.Keys) && slices.EqualFunc(w.Programs, programs, same) {
		return w, nil
	}
	f := &Workload{Entry: w.Entry, Maps: w.Maps, Keys: keys, Data: w.Data, Context: w.Context, Source: w.Source, spec: w.Collection(), limit: w.limit}
	for _, name := range programs {
		if i := slices.IndexFunc(w.all(), func(p *jit.Program) bool { return p.Name == name }); i >= 0 {
			f.Programs = append(f.Programs, w.all()[i])
			continue
		}
		spec := made[name]
		f.spec.Programs[name] = spec.Copy()
		p, err := jit.Parse(name, spec.Instructions)
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", name, err)
		}
		f.Programs = append(f.Programs, p)
	}
	return f, nil
}

// Shape returns the size of the subject that the workload makes with so many threads.
func (w *Workload) Shape(threads int) protocol.Shape {
	keys, distinct := w.directKeys(), map[protocol.Key]bool{}
	for _, k := range keys {
		distinct[k] = true
	}
	return protocol.Shape{Threads: threads, Sites: len(keys), Programs: len(w.Programs), Keys: len(distinct)}
}

// directKeys lists the key of each direct site of the entry's image, as far as it is
// one that changes.
func (w *Workload) directKeys() []protocol.Key {
	var out []protocol.Key
	for _, c := range w.Entry.TailCalls {
		if w.pokes(c) {
			out = append(out, keyOf(c))
		}
	}
	return out
}

func keyOf(c jit.TailCall) protocol.Key { return protocol.Key{Map: c.Map, Index: int(c.Key)} }

// pokes reports whether a tail call is a direct site of a key that changes.
func (w *Workload) pokes(c jit.TailCall) bool { return c.Const && slices.Contains(w.Keys, keyOf(c)) }

// Indirect reports whether some tail call reads the map while it runs.
func (w *Workload) Indirect() bool {
	return w.anyCall(func(p *jit.Program, c jit.TailCall) bool { return !c.Const || p != w.Entry })
}

// Nested reports whether some tail call is one of a subprogram: what it calls returns into
// the caller.
func (w *Workload) Nested() bool {
	return w.anyCall(func(_ *jit.Program, c jit.TailCall) bool { return c.Func != 0 })
}

// Deep returns a program that has a direct site of a key that changes, or nil.
func (w *Workload) Deep() *jit.Program {
	for _, p := range w.Programs {
		if slices.ContainsFunc(p.TailCalls, w.pokes) {
			return p
		}
	}
	return nil
}

// CallsUnknown reports whether some program calls what is not carried out outside of a kernel.
func (w *Workload) CallsUnknown() bool {
	return slices.ContainsFunc(w.all(), func(p *jit.Program) bool {
		return slices.ContainsFunc(p.Calls, func(c jit.HelperCall) bool { return !host.Knows(c.Helper) })
	})
}

// CallsHelpers reports whether some program calls anything outside of itself.
func (w *Workload) CallsHelpers() bool {
	return slices.ContainsFunc(w.all(), func(p *jit.Program) bool { return len(p.Calls) > 0 })
}

// anyCall reports whether what is asked holds of some tail call of the entry or a program.
func (w *Workload) anyCall(is func(*jit.Program, jit.TailCall) bool) bool {
	return slices.ContainsFunc(w.all(), func(p *jit.Program) bool {
		return slices.ContainsFunc(p.TailCalls, func(c jit.TailCall) bool { return is(p, c) })
	})
}

// Check refuses a workload that only a kernel can judge, if at all: one that takes no tail call.
func (w *Workload) Check() error {
	if len(w.Keys) == 0 || len(w.Entry.TailCalls) == 0 {
		return fmt.Errorf("%s %w", w.Entry.Name, ErrNoSite)
	}
	return nil
}

// Poked refuses a workload without a site that is poked. What changes is what its prog arrays point to.
func (w *Workload) Poked() error {
	if len(w.directKeys()) == 0 {
		return fmt.Errorf("%s has no direct tail-call site of a key that changes%s: nothing is poked", w.Entry.Name, w.CalledAt(", but tail calls at "))
	}
	return nil
}

// ErrNoSite says, after the name of an entry, that nothing is known of it that changes. A kernel may
// know more.
var ErrNoSite = errors.New("has no tail-call site of a key that changes")

// Traceable refuses a workload on which state A would leave no trace: the epilogue's leave
// mends the stack pointer, so that a function without callee-saved registers returns as
// if nothing had happened.
func (w *Workload) Traceable() error {
	for _, c := range w.Entry.TailCalls {
		if c.Const && w.Entry.Funcs[c.Func].CalleeRegs != [4]bool{} {
			return nil
		}
	}
	if w.Poked() != nil { // there is no state A
		return nil
	}
	return fmt.Errorf("no function of %s with a direct site uses a callee-saved register: state A would leave no trace", w.Entry.Name)
}

// memo keeps what was computed for a key, an error too. Several goroutines may use it; each
// value is computed once.
type memo[K comparable, V any] struct {
	mu   sync.Mutex // guards kept; nothing is computed while it is held
	kept map[K]func() (V, error)
}

func (m *memo[K, V]) get(key K, compute func() (V, error)) (V, error) {
	m.mu.Lock()
	once, ok := m.kept[key]
	if !ok {
		if m.kept == nil {
			m.kept = map[K]func() (V, error){}
		}
		once = sync.OnceValues(compute)
		m.kept[key] = once
	}
	m.mu.Unlock()
	return once()
}

func (m *memo[K, V]) forget(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, key)
}

func (m *memo[K, V]) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.kept)
}
