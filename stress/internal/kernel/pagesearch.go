package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/stress/internal/identity"
)

// Bounds of a search. It takes some 30 loads; where programs are not packed, some 100.
const (
	seekLoads = 2000
	seekTime  = 30 * time.Second
)

// placed is a loaded program, and where its functions lie.
type placed struct {
	io.Closer
	at []uint64
}

// A pageSearch loads copies until one lies as wanted. Those that do not are kept until the end: a
// kernel hands the space of one that is gone out again, to the next one.
type pageSearch struct {
	more     func() bool                     // is there time?
	fill     func(steps int) (placed, error) // loads what takes so much room, if it is packed
	loads    int
	rejected []io.Closer
}

// load loads something. It is the search's, unless the caller takes it out.
func (s *pageSearch) load(one func() (placed, error)) (placed, error) {
	p, err := one()
	if err == nil {
		s.loads++
		s.rejected = append(s.rejected, p.Closer)
	}
	return p, err
}

// find returns the first copy with a window across a page; false says that the bound was hit. Where
// programs are packed, others go in front until the next copy lies as wanted with the odds at
// least.
func (s *pageSearch) find(img *identity.Image, wanted []bool, least float64, one func() (placed, error)) (p placed, ok bool, err error) {
	for end := uint64(0); s.loads < seekLoads && s.more(); {
		if steps := stepsTo(img, wanted, end, least); end != 0 && steps > 0 {
			if p, err = s.load(func() (placed, error) { return s.fill(steps) }); err != nil {
				return p, false, err
			}
			end = room(p.at[0]) + uint64(steps)*packStep
			continue
		}
		if p, err = s.load(one); err != nil {
			return p, false, err
		}
		if len(p.at) != len(img.Funcs) {
			return p, false, fmt.Errorf("a copy has %d functions, not %d", len(p.at), len(img.Funcs))
		}
		if crosses(img, wanted, p.at) {
			s.rejected = s.rejected[:len(s.rejected)-1]
			return p, true, nil
		}
		last := len(p.at) - 1
		end = room(p.at[last]) + roomOf(img.Funcs[last].Size)
	}
	return p, false, nil
}

// packedAfter is how many small programs show whether programs are packed.
const packedAfter = 8

// packed reports whether the kernel packs programs (5.18): before, each function has pages of its
// own.
func (s *pageSearch) packed() (bool, error) {
	for last, n := uint64(0), 0; n < packedAfter; n++ {
		p, err := s.load(func() (placed, error) { return s.fill(1) })
		if err != nil {
			return false, err
		}
		if at := p.at[0]; max(at, last)-min(at, last) < 1<<pageShift {
			return true, nil
		}
		last = p.at[0]
	}
	return false, nil
}

// end lets go of what did not fit, and says how much that was.
func (s *pageSearch) end() (n int, err error) {
	for _, one := range s.rejected {
		err = errors.Join(err, one.Close())
	}
	n, s.rejected = len(s.rejected), nil
	return n, err
}

// sought is what a search came to.
type sought struct {
	loads int
	ended string // why it ended early, or ""
}

// seekPages exchanges a caller of each kind for a copy with a window across a page, if it has none
// and one is found in time. All keys are empty. Where sites are not known there is nothing to look
// for.
func (l *loaded) seekPages(ctx context.Context, c *Config) error {
	if !c.AcrossPages || l.unknown != "" {
		return nil
	}
	end := time.Now().Add(seekTime)
	s := &pageSearch{
		more: func() bool { return ctx.Err() == nil && time.Now().Before(end) },
		fill: func(steps int) (placed, error) { return placedProgram(ebpf.NewProgram(filler(steps))) },
	}
	for i := range min(DefaultCallers, len(l.callers)) {
		if err := l.seekPage(s, &l.callers[i], c); err != nil { // the run has what was found
			l.sought.ended = reasonOf(err)
			break
		}
	}
	l.sought.loads = s.loads
	n, err := s.end()
	if n > 0 {
		gracePeriod()
		time.Sleep(freedWithin + time.Duration(n)*freedEach)
	}
	return err
}

// freedEach is about how long a kernel takes to free one program of many, in an emulator.
const freedEach = time.Millisecond

// placedProgram looks where a program lies that was just loaded.
func placedProgram(p *ebpf.Program, err error) (placed, error) {
	if err != nil {
		return placed{}, err
	}
	at, err := identity.Functions(p)
	if err != nil {
		return placed{}, errors.Join(err, p.Close())
	}
	return placed{p, at}, nil
}

// seekPage exchanges one caller.
func (l *loaded) seekPage(s *pageSearch, c *caller, conf *Config) error {
	wanted := l.wantedOf(*c, conf.Keys)
	if !slices.Contains(wanted, true) || crosses(c.img, wanted, addrsOf(c.img)) {
		return nil
	}
	packed, err := s.packed()
	if err != nil {
		return err
	}
	own := 0 // the number of the entry's function
	if c.checks {
		own = 1
	}
	least, pad := 0.0, padToPage(c.img.Funcs[own].Size)
	if packed {
		pad, least = padToOdds(c.img, wanted, own)
	}
	spec, img := l.padded(c.checks, pad, conf), c.img
	one := func() (placed, error) { return placedProgram(loadProgram(l.spec, l.maps.Maps, spec)) }
	if pad > 0 {
		p, err := s.load(one)
		if err == nil {
			img, err = l.imageOf(p.Closer.(*ebpf.Program), c.checks, conf.Keys)
		}
		if err != nil {
			return err
		}
	}
	found, ok, err := s.find(img, wanted, least, one)
	if !ok || err != nil {
		return err
	}
	p := found.Closer.(*ebpf.Program)
	if img, err = l.imageOf(p, c.checks, conf.Keys); err != nil {
		return errors.Join(err, p.Close())
	}
	s.rejected = append(s.rejected, c.Program)
	c.Program, c.img = p, img
	return nil
}

// addrsOf is where the functions of an image lie.
func addrsOf(img *identity.Image) []uint64 {
	var out []uint64
	for _, f := range img.Funcs {
		out = append(out, f.Addr)
	}
	return out
}
