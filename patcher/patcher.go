package patcher

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
	"tailpoke/patcher/text"
)

const (
	// dataSize is the memory for prog arrays and program structs: Cilium has arrays of 65,536 keys.
	dataSize = 4 << 20
	// progStructs is how many programs can be loaded at a time; each has a struct of
	// progStructSize bytes of which sites read bpf_func alone.
	progStructs    = 1024
	progStructSize = 0x100
)

// Config is what a [Patcher] is made of. The caller owns the arena and the domains.
type Config struct {
	Arena  *exec.Arena
	Domain *rcu.Domain // of all threads that execute
	// Periods are the domains that grace periods of the protocol's text wait for; those that are
	// not there are Domain.
	Periods  map[protocol.Period]*rcu.Domain
	Protocol protocol.Protocol
	Method   protocol.Method
	Offsets  Offsets
	Nop      text.Insn // what images have in the place of a jump; nothing: [text.Nop]
	Seed     uint64    // of the places at which images are loaded

	// Stubs are what images refer to, by symbol: machine code that may lie anywhere. It is put
	// into the arena when the first image with a [Ref] is loaded.
	Stubs map[string][]byte

	// Observe, if set, is called after every step of every operation, under the poke
	// mutex. It may delay; it must not call the patcher.
	Observe func(protocol.Event)
	// BetweenMicro, if set, is called between the steps of every poke.
	BetweenMicro func()
}

// Offsets are where the compiler's indirect sites find things, in bytes.
type Offsets struct {
	MaxEntries uint32 // in a prog array: four bytes, the number of keys
	Ptrs       uint32 // after these: for each key a pointer to a program's struct, or 0
	Func       uint32 // in that struct: the address of the program's first byte
}

// Patcher loads programs and keeps prog arrays. Its methods are safe for concurrent
// use.
type Patcher struct {
	cfg   Config
	arena *exec.Arena
	poker *text.Poker
	data  *exec.Data

	mu      sync.Mutex // guards what follows; taken inside poke mutexes
	arrays  map[string]*ProgArray
	space   *space
	top     int // first free byte of data
	structs []bool
	retired []retired
	stubs   map[string]uint64 // by symbol; nil: they have no place yet

	straddled int // images placed with a slot across a cache line
}

// retired is a program that is freed when its grace period has ended.
type retired struct {
	prog *Program
	in   *rcu.Domain
	at   rcu.Cookie
}

// New returns a patcher without programs.
func New(cfg Config) (*Patcher, error) {
	if o := cfg.Offsets; o.Ptrs < 4 || o.MaxEntries > o.Ptrs-4 || o.Func > progStructSize-8 {
		return nil, fmt.Errorf("patcher: no room for what lies at %+v", o)
	}
	if cfg.Nop == (text.Insn{}) {
		cfg.Nop = text.Nop
	}
	data, err := exec.NewData(dataSize)
	if err != nil {
		return nil, err
	}
	p := &Patcher{
		cfg: cfg, arena: cfg.Arena, data: data,
		poker:  text.New(cfg.Arena, cfg.Method),
		arrays: map[string]*ProgArray{},
		space: &space{
			used: make([]bool, cfg.Arena.Size()/pageSize), rng: rand.New(rand.NewPCG(cfg.Seed, 0)),
		},
		top:     progStructs * progStructSize,
		structs: make([]bool, progStructs),
	}
	p.poker.Between = cfg.BetweenMicro
	return p, nil
}

// Close gives the patcher's memory back. No thread may execute any more.
func (p *Patcher) Close() error { return p.data.Close() }

// Synchronize waits for a grace period and then frees what awaited it.
func (p *Patcher) Synchronize() error {
	if err := p.cfg.Domain.Synchronize(); err != nil {
		return err
	}
	p.Reap()
	return nil
}

// Reap frees the retired programs whose grace period has ended.
func (p *Patcher) Reap() {
	p.mu.Lock()
	var ready []*Program
	p.retired = slices.DeleteFunc(p.retired, func(r retired) bool {
		over := r.in.Done(r.at)
		if over {
			ready = append(ready, r.prog)
		}
		return over
	})
	p.mu.Unlock()
	for _, prog := range ready {
		p.free(prog)
	}
}

// free untracks a program's sites and gives its memory back. No poke mutex may be held.
func (p *Patcher) free(prog *Program) {
	p.untrack(prog)
	p.erase(prog)
	p.release(prog)
}

// erase turns a program's text into int3: first the head of every instruction, one
// byte each, so that a thread that is inside is caught at its next one and never runs
// a mixture; then, with all CPUs serialised, the rest.
func (p *Patcher) erase(prog *Program) {
	for _, d := range prog.pokes {
		d.stable.Store(false)
	}
	traps := make([]exec.Store, len(prog.Image.Starts))
	for i, s := range prog.Image.Starts {
		traps[i] = exec.Store{Off: prog.off + exec.Off(s), Width: 1, Value: exec.Int3}
	}
	p.arena.StoreAll(traps)
	exec.SyncCore()
	p.arena.Fill(prog.off, len(prog.Image.Code))
}

// release gives an erased program's place back.
func (p *Patcher) release(prog *Program) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.structs[prog.desc] = false
	p.space.release(prog.page, prog.size)
}

// Release takes back what Program.Hold did. The last holder's release retires the program.
func (p *Patcher) Release(prog *Program) {
	if prog.drop() {
		p.retire(prog, p.cfg.Domain)
	}
}

// domain is what a grace period of the protocol's text waits for.
func (p *Patcher) domain(g protocol.Period) *rcu.Domain {
	if d := p.cfg.Periods[g]; d != nil {
		return d
	}
	return p.cfg.Domain
}

// retire frees a program after a grace period that the caller does not wait for.
func (p *Patcher) retire(prog *Program, in *rcu.Domain) {
	c := in.Begin()
	p.mu.Lock()
	p.retired = append(p.retired, retired{prog, in, c})
	p.mu.Unlock()
}

// allocStruct takes a program struct.
func (p *Patcher) allocStruct() (int, error) {
	i := slices.Index(p.structs, false)
	if i < 0 {
		return 0, fmt.Errorf("more than %d programs", progStructs)
	}
	p.structs[i] = true
	return i, nil
}

var errGone = errors.New("no key holds the program any more, it must be loaded anew")
