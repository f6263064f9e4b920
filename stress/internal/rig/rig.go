package rig

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
)

// Config says what a rig is made of.
type Config struct {
	Subject protocol.Subject // its protocol, method and grace flavour
	Layout  *jit.Layout
	Seed    uint64         // of the places of images
	Arena   int            // its size in bytes
	Arrays  map[string]int // number of keys of each prog array
	Host    *host.Config   // of the other maps and the packet, in this layout; nil: there are none
	Pool    exec.PoolConfig
	Objects bool // the words of the pool's context that are 0 become addresses of kernel objects
	Boost   bool // what waits for grace periods is elevated, see package patcher/rcu

	Observe      func(protocol.Event) // see patcher.Config
	BetweenMicro func()
}

// Rig is an arena with everything around it. All parts may be used; Close closes them.
type Rig struct {
	Arena   *exec.Arena
	Host    *host.Host // nil if there is none
	Pool    *exec.Pool
	Domain  *rcu.Domain                     // of all threads
	Periods map[protocol.Period]*rcu.Domain // of the protocol's grace periods; nil: all are Domain
	Patcher *patcher.Patcher
	Arrays  map[string]*patcher.ProgArray
	Maps    map[string]jit.MapInfo // all that programs may name

	layout *jit.Layout
	close  []func() error // in the order of opening
}

// Open opens a rig without programs.
func Open(c Config) (*Rig, error) {
	r := &Rig{
		Arrays: map[string]*patcher.ProgArray{}, Maps: map[string]jit.MapInfo{}, layout: c.Layout,
	}
	if err := r.open(c); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Rig) open(c Config) error {
	if err := r.openPool(c); err != nil {
		return err
	}
	var err error
	r.Domain, r.Periods = rcu.New(r.Pool, c.Subject.Grace, c.Boost), r.periods(c)
	r.Patcher, err = patcher.New(patcher.Config{
		Arena: r.Arena, Domain: r.Domain, Periods: r.Periods, Seed: c.Seed, Stubs: stubs(),
		Protocol: c.Subject.Protocol, Method: c.Subject.Method, Nop: c.Layout.Nop(),
		Offsets: patcher.Offsets{
			MaxEntries: c.Layout.ArrayMaxEntries, Ptrs: c.Layout.ArrayPtrs, Func: c.Layout.ProgFunc,
		},
		Observe: c.Observe, BetweenMicro: c.BetweenMicro,
	})
	if err != nil {
		return err
	}
	stop := func() error { r.Pool.Stop(); return nil } // before the memory goes that images read
	r.close = append(r.close, r.Patcher.Close, stop)
	for _, name := range slices.Sorted(maps.Keys(c.Arrays)) {
		a, err := r.Patcher.NewArray(name, c.Arrays[name])
		if err != nil {
			return err
		}
		r.Arrays[name], r.Maps[name] = a, jit.MapInfo{Addr: a.Addr(), MaxEntries: uint32(a.Keys())}
	}
	return nil
}

// periods are the domains of a protocol that has kinds of readers, or names for grace periods. Thread
// i is of kind i mod kinds. What is named keeps its promise, whatever the subject's flavour is.
func (r *Rig) periods(c Config) map[protocol.Period]*rcu.Domain {
	p := c.Subject.Protocol
	if !p.NamesGraces() {
		return nil
	}
	out := map[protocol.Period]*rcu.Domain{}
	for g := range protocol.Period(protocol.Periods) {
		flavour := protocol.Grace{Name: g.String(), Kind: protocol.GraceEpoch}
		if g == protocol.OwnPeriod {
			flavour = c.Subject.Grace
		}
		out[g] = rcu.NewOf(r.Pool, flavour, c.Boost, func(thread int) bool {
			return p.Awaits(g, thread%p.Kinds())
		})
	}
	return out
}

// Boosts returns how often a reader was lent a priority.
func (r *Rig) Boosts() uint64 {
	n := r.Domain.Boosts()
	for _, d := range r.Periods {
		n += d.Boosts()
	}
	return n
}

// openPool opens the memory and the threads.
func (r *Rig) openPool(c Config) error {
	var err error
	if r.Arena, err = exec.NewArena(c.Arena); err != nil {
		return err
	}
	r.close = append(r.close, r.Arena.Close)
	c.Pool.Ctx = slices.Clone(c.Pool.Ctx)
	if c.Host != nil {
		cfg := *c.Host
		cfg.Layout = c.Layout
		cfg.Any = cfg.Any || c.Objects // the context leads to kernel objects, which such a host has
		if r.Host, err = host.New(cfg); err != nil {
			return err
		}
		r.close = append(r.close, r.Host.Close)
		switch {
		case cfg.Packet == nil:
		case len(c.Pool.Ctx) == host.SkbSize:
			r.Host.Skb(c.Pool.Ctx)
		case len(c.Pool.Ctx) == host.XDPSize:
			r.Host.XDP(c.Pool.Ctx)
		}
		for i := 0; c.Objects && i+8 <= len(c.Pool.Ctx); i += 8 {
			if binary.LittleEndian.Uint64(c.Pool.Ctx[i:]) == 0 {
				binary.LittleEndian.PutUint64(c.Pool.Ctx[i:], r.Host.Object())
			}
		}
		maps.Copy(r.Maps, r.Host.MapInfo())
		c.Pool.Host = r.Host
	}
	if r.Pool, err = exec.NewPool(c.Pool); err != nil {
		return err
	}
	r.close = append(r.close, r.Pool.Close)
	return nil
}

// Close ends the threads, and gives all memory back, once.
func (r *Rig) Close() error {
	var errs []error
	for _, c := range slices.Backward(r.close) {
		errs = append(errs, c())
	}
	r.close = nil
	return errors.Join(errs...)
}

// Compile compiles a program, which names maps of the rig alone.
func (r *Rig) Compile(p *jit.Program) (*jit.Image, error) {
	img, err := jit.Compile(p, jit.Options{Layout: r.layout, Maps: r.Maps})
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", p.Name, err)
	}
	return img, nil
}

// Image is a compiled program as the patcher takes it. Both have the same code.
func Image(img *jit.Image) *patcher.Image {
	out := &patcher.Image{Code: img.Code, Landing: patcher.Off(img.AdjOff)}
	for _, s := range img.Starts {
		out.Starts = append(out.Starts, patcher.Off(s))
	}
	for i := range img.Sites {
		s := &img.Sites[i]
		if !s.Direct {
			continue
		}
		site := patcher.Site{Array: s.Map, Key: int(s.Key)}
		for n, slot := range s.Slots() {
			site.Slots[n] = patcher.Slot{Off: patcher.Off(slot.Off), Out: patcher.Off(slot.Out)}
		}
		out.Sites = append(out.Sites, site)
	}
	for _, r := range img.Refs {
		if r.Kind == jit.RefHelper {
			out.Refs = append(out.Refs, patcher.Ref{Off: patcher.Off(r.Off), Symbol: r.Helper.String()})
		}
	}
	return out
}

// stubs are what images call for helpers: the pool's host answers.
func stubs() map[string][]byte {
	out := map[string][]byte{}
	for _, h := range jit.Helpers() {
		out[h.String()] = exec.HelperStub(uint32(h))
	}
	return out
}
