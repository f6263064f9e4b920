package regress

import (
	"errors"
	"fmt"
	"sync"

	"tailpoke/jit"
	"tailpoke/jit/interp"
)

// NewInterpreter makes the column of the reference interpreter, under the rules of an era. An era
// that is a fault of machine code has none of its own.
func NewInterpreter(e Era) (Column, error) {
	if e.Layout() == nil || e.rules() != e {
		return Column{}, fmt.Errorf("no interpreter of the era %q", e)
	}
	return Column{"interpreter " + string(e), e, e.interpret}, nil
}

func (e Era) interpret(c *Case) (Session, error) {
	p, err := prepare(c)
	if err != nil {
		return nil, err
	}
	s := &interpSession{prepared: p, layout: e.Layout(),
		held: map[string]map[uint32]*jit.Program{}}
	if s.tables, err = p.maps.Interp(); err != nil {
		return nil, err
	}
	for name := range p.maps.ProgArrays() {
		s.held[name] = map[uint32]*jit.Program{}
	}
	s.variables = variables{p, func(name string) table { return s.tables[name] }}
	return s, nil
}

type interpSession struct {
	variables
	prepared *prepared
	layout   *jit.Layout
	tables   map[string]*interp.Map

	mu   sync.Mutex // guards held, which Put changes while Run asks
	held map[string]map[uint32]*jit.Program
}

func (s *interpSession) Close() error { return nil }

// Reload has nothing to do: to the interpreter a program is what it says.
func (s *interpSession) Reload(string) error { return nil }

func (s *interpSession) Put(m string, key uint32, prog string) error {
	p, ok := s.prepared.programs[prog]
	if !ok {
		return fmt.Errorf("no program %q", prog)
	}
	return s.change(m, key, p)
}

func (s *interpSession) Delete(m string, key uint32) error { return s.change(m, key, nil) }

// change gives a key another program, or none in the place of one.
func (s *interpSession) change(m string, key uint32, p *jit.Program) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, ok := s.held[m]
	switch {
	case !ok || key >= s.keysOf(m):
		return fmt.Errorf("no key %d of a prog array %q", key, m)
	case p == nil && keys[key] == nil:
		return ErrNoKey
	}
	keys[key] = p
	return nil
}

func (s *interpSession) keysOf(m string) uint32 { return s.prepared.spec.Maps[m].MaxEntries }

func (s *interpSession) Run(prog string, in Input) (uint32, error) {
	ctx, err := s.prepared.context(prog, in)
	if err != nil {
		return 0, err
	}
	o, err := interp.Run(s.prepared.programs[prog], interp.World{
		Ctx: ctx.Bytes, CtxKind: ctx.Kind, Packet: ctx.Packet, Layout: s.layout, Maps: s.tables,
		MaxEntries: s.keysOf,
		Held: func(m string, key uint32) []*jit.Program {
			s.mu.Lock()
			defer s.mu.Unlock()
			return []*jit.Program{s.held[m][key]}
		},
	})
	switch {
	case errors.Is(err, interp.ErrBounded):
		return 0, fmt.Errorf("%w: %w", ErrEndless, err)
	case err != nil:
		return 0, err
	case len(o.Tails) > Limit:
		return uint32(o.R0), &Violation{TailLimit, fmt.Sprintf("%d tail calls", len(o.Tails))}
	}
	return uint32(o.R0), nil
}
