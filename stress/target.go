package stress

import (
	"fmt"
	"maps"
	"slices"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/workload"
)

// Target is what threads execute and what its keys may be given.
type Target struct {
	// Object and EntryName say where the program comes from: the name of an object file,
	// and of a program in it. Both are empty for a generated target.
	Object    string
	EntryName string

	Entry    *jit.Program
	Programs []*jit.Program
	Maps     map[string]int   // number of keys of each prog array
	Keys     []protocol.Key   // the keys that change
	Data     workload.Maps    // the maps beside prog arrays
	Context  workload.Context // what R1 points to

	source source
}

// source is what a target can be made from again, in another process.
type source struct {
	Object  []byte         `json:"object,omitempty"`
	Case    string         `json:"case,omitempty"` // of the regression cases
	Name    string         `json:"name,omitempty"`
	Entry   string         `json:"entry,omitempty"`
	Shape   protocol.Shape `json:"shape"`
	Aligned bool           `json:"aligned,omitempty"`
}

func (s source) target() (*Target, error) {
	switch {
	case s.Case != "":
		return CaseTarget(s.Case)
	case s.Object == nil:
		return Generate(s.Shape, s.Aligned)
	}
	return ReadObject(s.Name, s.Object, s.Entry)
}

// configure says what the cpu engine runs.
func (t *Target) configure(c *cpu.Config) error {
	data, err := t.Data.Host()
	c.Entry, c.Programs, c.Maps, c.Data, c.Keys = t.Entry, t.Programs, t.Maps, data, t.Keys
	c.Ctx, c.Packet = t.Context.Bytes, t.Context.Packet
	return err
}

// mapInfos are made-up addresses of the target's maps, as long as real ones.
func (t *Target) mapInfos(l *jit.Layout) (map[string]jit.MapInfo, error) {
	const first, apart = 0x7000_0000_0000, 1 << 12
	data, err := t.Data.Host()
	if err != nil {
		return nil, err
	}
	infos := map[string]jit.MapInfo{}
	names := slices.Concat(slices.Collect(maps.Keys(t.Maps)), slices.Collect(maps.Keys(data)))
	slices.Sort(names)
	for i, m := range names {
		addr := uint64(first + i*apart)
		if spec, ok := data[m]; ok {
			infos[m] = spec.InfoAt(addr, l)
		} else {
			infos[m] = jit.MapInfo{Addr: addr, MaxEntries: uint32(t.Maps[m])}
		}
	}
	return infos, nil
}

// Shape returns the size of the subject that the target makes with so many threads.
func (t *Target) Shape(threads int) protocol.Shape {
	keys := t.directKeys()
	return protocol.Shape{Threads: threads, Sites: len(keys), Programs: len(t.Programs), Keys: len(distinct(keys))}
}

// directKeys lists the key of each direct site of the entry's image, as far as it is
// one that changes.
func (t *Target) directKeys() []protocol.Key {
	var out []protocol.Key
	for _, c := range t.Entry.TailCalls {
		k := protocol.Key{Map: c.Map, Index: int(c.Key)}
		if c.Const && slices.Contains(t.Keys, k) {
			out = append(out, k)
		}
	}
	return out
}

// indirect reports whether some tail call reads the map while it runs.
func (t *Target) indirect() bool {
	return t.anyCall(func(p *jit.Program, c jit.TailCall) bool { return !c.Const || p != t.Entry })
}

// nested reports whether some tail call is one of a subprogram: what it calls returns into
// the caller.
func (t *Target) nested() bool {
	return t.anyCall(func(p *jit.Program, c jit.TailCall) bool { return c.Func != 0 })
}

// deep reports whether some program has a direct site of a key that changes.
func (t *Target) deep() bool {
	return slices.ContainsFunc(t.Programs, func(p *jit.Program) bool {
		return slices.ContainsFunc(p.TailCalls, func(c jit.TailCall) bool {
			return c.Const && slices.Contains(t.Keys, protocol.Key{Map: c.Map, Index: int(c.Key)})
		})
	})
}

// anyCall reports whether what is asked holds of some tail call of the entry or a program.
func (t *Target) anyCall(is func(*jit.Program, jit.TailCall) bool) bool {
	return slices.ContainsFunc(append([]*jit.Program{t.Entry}, t.Programs...), func(p *jit.Program) bool {
		return slices.ContainsFunc(p.TailCalls, func(c jit.TailCall) bool { return is(p, c) })
	})
}

func distinct(keys []protocol.Key) []protocol.Key {
	seen := map[protocol.Key]bool{}
	for _, k := range keys {
		seen[k] = true
	}
	return slices.Collect(maps.Keys(seen))
}

// check refuses a target of which nothing can be said: without a site that is poked.
func (t *Target) check() error {
	if len(t.directKeys()) == 0 {
		return fmt.Errorf("%s has no direct tail-call site of a key that changes", t.Entry.Name)
	}
	return nil
}

// traceable refuses a target on which state A would leave no trace: the epilogue's leave
// mends the stack pointer, so that a function without callee-saved registers returns as
// if nothing had happened.
func (t *Target) traceable() error {
	for _, c := range t.Entry.TailCalls {
		if c.Const && t.Entry.Funcs[c.Func].CalleeRegs != [4]bool{} {
			return nil
		}
	}
	return fmt.Errorf("no function of %s with a direct site uses a callee-saved register: state A would leave no trace", t.Entry.Name)
}
