package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/cilium/ebpf"

	"tailpoke/stress/internal/live"
)

// A Session is a collection in the kernel. Its programs are executed one at a time. Its keys and
// programs may be changed meanwhile.
type Session struct {
	spec *ebpf.CollectionSpec
	mu   sync.Mutex // guards coll.Programs: Reload exchanges one while others are read
	coll *ebpf.Collection
}

// Cannot reports whether an error says that this process, or this kernel, cannot do what was asked, or
// not now. It says nothing of what was to be judged.
func Cannot(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, ebpf.ErrNotSupported) || live.Lack(err) != nil
}

// OpenSession loads a collection, with the privileges of a run.
func OpenSession(spec *ebpf.CollectionSpec) (*Session, error) {
	var coll *ebpf.Collection
	err := confined(func() (err error) {
		coll, err = ebpf.NewCollection(spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Session{spec: spec, coll: coll}, nil
}

// Close lets the collection go.
func (s *Session) Close() error {
	s.coll.Close()
	return nil
}

func (s *Session) program(name string) (*ebpf.Program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.coll.Programs[name]
	if !ok {
		return nil, fmt.Errorf("no program %q", name)
	}
	return p, nil
}

func (s *Session) table(name string) (*ebpf.Map, error) {
	m, ok := s.coll.Maps[name]
	if !ok {
		return nil, fmt.Errorf("no map %q", name)
	}
	return m, nil
}

// Put gives a key of a prog array a program.
func (s *Session) Put(m string, key uint32, prog string) error {
	table, err := s.table(m)
	if err != nil {
		return err
	}
	p, err := s.program(prog)
	if err != nil {
		return err
	}
	return table.Put(key, p)
}

// Delete takes a key's program. The error wraps [ebpf.ErrKeyNotExist] if it has none.
func (s *Session) Delete(m string, key uint32) error {
	table, err := s.table(m)
	if err != nil {
		return err
	}
	return table.Delete(key)
}

// Reload loads a program anew over the session's maps, and lets the old copy go.
func (s *Session) Reload(prog string) error {
	p, ok := s.spec.Programs[prog]
	if !ok {
		return fmt.Errorf("no program %q", prog)
	}
	bare := s.spec.Copy()
	bare.Variables = nil // they are in the maps, which are those of the session
	var fresh *ebpf.Program
	err := confined(func() (err error) {
		fresh, err = loadProgram(bare, s.coll.Maps, p)
		return err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	old := s.coll.Programs[prog]
	s.coll.Programs[prog] = fresh
	s.mu.Unlock()
	return old.Close()
}

// Run executes a program once, on a packet or, where there are some, on arguments, and returns what
// it returns.
func (s *Session) Run(prog string, packet []byte, args []uint64) (uint32, error) {
	p, err := s.program(prog)
	if err != nil {
		return 0, err
	}
	if args != nil {
		return p.Run(&ebpf.RunOptions{Context: args})
	}
	return p.Run(Input{Packet: packet}.options(p.Type(), 0))
}

// variable is a global variable of four bytes.
func (s *Session) variable(name string) (*ebpf.Variable, error) {
	v, ok := s.coll.Variables[name]
	if !ok || v.Size() != 4 {
		return nil, fmt.Errorf("no variable %q of 4 bytes", name)
	}
	return v, nil
}

// Variable reads a global variable of four bytes.
func (s *Session) Variable(name string) (uint64, error) {
	v, err := s.variable(name)
	if err != nil {
		return 0, err
	}
	var value uint32
	err = v.Get(&value)
	return uint64(value), err
}

// SetVariable writes one.
func (s *Session) SetVariable(name string, value uint64) error {
	v, err := s.variable(name)
	if err != nil {
		return err
	}
	return v.Set(uint32(value))
}

// Element reads the value of a key of a map. The error wraps [ebpf.ErrKeyNotExist] if there is
// none.
func (s *Session) Element(m string, key []byte) ([]byte, error) {
	table, err := s.table(m)
	if err != nil {
		return nil, err
	}
	value, err := table.LookupBytes(key)
	if err == nil && value == nil {
		return nil, errors.Join(ebpf.ErrKeyNotExist, fmt.Errorf("map %q", m))
	}
	return value, err
}
