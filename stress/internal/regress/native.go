package regress

import (
	"errors"
	"fmt"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/stress/internal/native"
)

// NewNative makes the column of machine code in an era's layout. The error wraps [ErrCannotRun] on a
// machine that cannot execute images.
func NewNative(e Era) (Column, error) {
	if e.Layout() == nil {
		return Column{}, fmt.Errorf("no layout of the era %q", e)
	}
	if err := exec.Supported(); err != nil {
		return Column{}, fmt.Errorf("%w: %w", ErrCannotRun, err)
	}
	return Column{string(e), e, e.execute}, nil
}

// patience is how long a run may take. Those that end take microseconds.
const patience = time.Second

func (e Era) execute(c *Case) (Session, error) {
	p, err := prepare(c)
	if err != nil {
		return nil, err
	}
	first, err := p.context(c.Entry(), c.input())
	if err != nil {
		return nil, err
	}
	cfg := native.Config{
		Layout: e.Layout(), Arrays: p.maps.ProgArrays(), CtxSize: len(first.Bytes),
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
	return &nativeSession{m, variables{p, func(name string) table {
		return nativeTable{m.Host().Map(name)}
	}}}, nil
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

type nativeSession struct {
	*native.Machine
	variables
}

type nativeTable struct{ *host.Map }

func (t nativeTable) Get(key []byte) []byte { return t.Value(key, 0) }

func (s *nativeSession) Delete(m string, key uint32) error {
	held, err := s.Machine.Delete(m, key)
	if err == nil && !held {
		return ErrNoKey
	}
	return err
}

func (s *nativeSession) Run(prog string, in Input) (uint32, error) {
	ctx, err := s.p.context(prog, in)
	if err != nil {
		return 0, err
	}
	if ctx.Packet != nil {
		if err := s.Host().SetPacket(ctx.Packet); err != nil {
			return 0, err
		}
		s.Host().Skb(ctx.Bytes)
	}
	r0, err := s.Machine.Run(prog, ctx.Bytes, patience)
	anomaly, wrong := errors.AsType[*native.AnomalyError](err)
	switch {
	case errors.Is(err, native.ErrEndless), errors.Is(err, native.ErrStackUsedUp):
		return 0, fmt.Errorf("%w: %w", ErrEndless, err)
	case wrong && anomaly.Kind == exec.BadRegisters:
		return uint32(r0), &Violation{Registers, err.Error()}
	}
	return uint32(r0), err
}
