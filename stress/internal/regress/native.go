package regress

import (
	"errors"
	"fmt"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/stress/internal/native"
	"tailpoke/stress/internal/workload"
)

// Native is the column of machine code in an era's layout.
type Native struct{ era Era }

// NewNative makes the column. The error wraps [ErrCannotRun] on a machine that cannot execute
// images.
func NewNative(e Era) (*Native, error) {
	if e.Layout() == nil {
		return nil, fmt.Errorf("no layout of the era %q", e)
	}
	if err := exec.Supported(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotRun, err)
	}
	return &Native{e}, nil
}

// Name implements Column.
func (n *Native) Name() string { return string(n.era) }

// Era implements Column.
func (n *Native) Era() Era { return n.era }

// patience is how long a run may take. Those that end take microseconds.
const patience = time.Second

// Open implements Column.
func (n *Native) Open(c *Case) (Session, error) {
	p, err := prepare(c)
	if err != nil {
		return nil, err
	}
	first, err := p.context(c.Entry(), c.input())
	if err != nil {
		return nil, err
	}
	cfg := native.Config{
		Layout: n.era.Layout(), Arrays: p.maps.ProgArrays(), CtxSize: len(first.Bytes),
		Host: host.Config{Packet: first.Packet},
	}
	if cfg.Host.Maps, err = p.maps.Host(); err != nil {
		return nil, err
	}
	for _, name := range c.Programs {
		cfg.Programs = append(cfg.Programs, p.programs[name])
	}
	m, err := native.New(cfg)
	if err != nil {
		return nil, err
	}
	s := &nativeSession{prepared: p, m: m}
	s.variables = variables{p, func(name string) table { return nativeTable{m.Host().Map(name)} }}
	return s, nil
}

// input is that of the case's first run.
func (c *Case) input() Input {
	for _, s := range c.Steps {
		if r, ok := s.(Run); ok {
			return r.Input
		}
	}
	return Input{Packet: plain}
}

// nativeSession is a case as machine code.
type nativeSession struct {
	variables
	prepared *prepared
	m        *native.Machine
}

type nativeTable struct{ m *host.Map }

func (t nativeTable) get(key []byte) []byte       { return t.m.Value(key, 0) }
func (t nativeTable) put(key, value []byte) error { return t.m.Put(key, value) }

func (s *nativeSession) Close() error { return s.m.Close() }

func (s *nativeSession) Reload(prog string) error { return s.m.Reload(prog) }

func (s *nativeSession) Put(m string, key uint32, prog string) error {
	return s.m.Put(m, key, prog)
}

func (s *nativeSession) Delete(m string, key uint32) error {
	held, err := s.m.Delete(m, key)
	if err == nil && !held {
		return ErrNoKey
	}
	return err
}

func (s *nativeSession) Run(prog string, in Input) (uint32, error) {
	ctx, err := s.prepared.context(prog, in)
	if err != nil {
		return 0, err
	}
	if err := s.setPacket(&ctx); err != nil {
		return 0, err
	}
	r0, err := s.m.Run(prog, ctx.Bytes, patience)
	anomaly, wrong := errors.AsType[*native.AnomalyError](err)
	switch {
	case errors.Is(err, native.ErrEndless), errors.Is(err, native.ErrStackUsedUp):
		return 0, fmt.Errorf("%w: %w", ErrEndless, err)
	case wrong && anomaly.Kind == exec.BadRegisters:
		return uint32(r0), &Violation{Registers, err.Error()}
	}
	return uint32(r0), err
}

func (s *nativeSession) setPacket(ctx *workload.Context) error {
	if ctx.Packet == nil {
		return nil
	}
	if err := s.m.Host().SetPacket(ctx.Packet); err != nil {
		return err
	}
	s.m.Host().Skb(ctx.Bytes)
	return nil
}
