package regress

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
)

// Kernel is the column of the running kernel. It is expected to give what today's kernels do.
type Kernel struct {
	name string
	// unbounded says why a case that does not end in some era must not be run: in a kernel
	// nobody throws it out.
	unbounded string
}

// NewKernel looks at the running kernel. The error wraps [ErrCannotRun], with the reason, if it
// cannot be asked.
func NewKernel() (*Kernel, error) {
	k := &Kernel{name: "kernel"}
	if raw, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		version, _, _ := strings.Cut(strings.TrimSpace(string(raw)), "-")
		k.name += " " + version
	}
	for _, c := range hierarchyCases() {
		// It ends in every kernel that has tail calls in functions, and tells which count they keep.
		if c.Name != "hierarchy_2" {
			continue
		}
		r := Execute(&c, k)
		switch {
		case r.Cell == CellCannotRun:
			return nil, errors.New(r.Reason)
		case r.Cell != CellOK:
			k.unbounded = "functions do not share one count, and the case might not end: " + r.note()
		}
	}
	return k, nil
}

// Name implements Column.
func (k *Kernel) Name() string { return k.name }

// Era implements Column.
func (k *Kernel) Era() Era { return V612 }

// Open implements Column.
func (k *Kernel) Open(c *Case) (Session, error) {
	if k.unbounded != "" && c.endless(V510) {
		return nil, fmt.Errorf("%w: %s", ErrCannotRun, k.unbounded)
	}
	spec, err := c.Collection()
	if err != nil {
		return nil, err
	}
	coll, err := ebpf.NewCollection(spec)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, ebpf.ErrNotSupported):
		return nil, fmt.Errorf("%w: %w", ErrCannotRun, err)
	case err != nil:
		return nil, err
	}
	return &kernelSession{spec: spec, coll: coll}, nil
}

// kernelSession is a case in the kernel.
type kernelSession struct {
	spec *ebpf.CollectionSpec
	mu   sync.Mutex // guards coll.Programs: Reload exchanges one while Put reads others
	coll *ebpf.Collection
}

func (s *kernelSession) Close() error {
	s.coll.Close()
	return nil
}

func (s *kernelSession) program(name string) (*ebpf.Program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.coll.Programs[name]
	if !ok {
		return nil, fmt.Errorf("no program %q", name)
	}
	return p, nil
}

func (s *kernelSession) table(name string) (*ebpf.Map, error) {
	m, ok := s.coll.Maps[name]
	if !ok {
		return nil, fmt.Errorf("no map %q", name)
	}
	return m, nil
}

func (s *kernelSession) Put(m string, key uint32, prog string) error {
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

func (s *kernelSession) Delete(m string, key uint32) error {
	table, err := s.table(m)
	if err != nil {
		return err
	}
	err = table.Delete(key)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	return err
}

func (s *kernelSession) Reload(prog string) error {
	spec := s.spec.Copy()
	spec.Variables = nil // they are in the maps, which are those of the session
	for name := range s.spec.Programs {
		if name != prog {
			delete(spec.Programs, name)
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: s.coll.Maps})
	if err != nil {
		return err
	}
	defer coll.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.coll.Programs[prog]
	s.coll.Programs[prog] = coll.DetachProgram(prog)
	return old.Close()
}

// linkHeader is what the kernel takes off the packet of a socket filter's test run: the header
// of its Ethernet device, which no filter of that device sees.
const linkHeader = 14

func (s *kernelSession) Run(prog string, in Input) (uint32, error) {
	p, err := s.program(prog)
	if err != nil {
		return 0, err
	}
	var o ebpf.RunOptions
	switch {
	case in.Args != nil:
		o.Context = in.Args
	case p.Type() == ebpf.SocketFilter:
		o.Data = append(make([]byte, linkHeader), in.Packet...)
	default:
		o.Data = in.Packet
	}
	return p.Run(&o)
}

func (s *kernelSession) variable(name string) (*ebpf.Variable, error) {
	v, ok := s.coll.Variables[name]
	if !ok || v.Size() != 4 {
		return nil, fmt.Errorf("no variable %q of 4 bytes", name)
	}
	return v, nil
}

func (s *kernelSession) Variable(name string) (uint64, error) {
	v, err := s.variable(name)
	if err != nil {
		return 0, err
	}
	var value uint32
	err = v.Get(&value)
	return uint64(value), err
}

func (s *kernelSession) SetVariable(name string, value uint64) error {
	v, err := s.variable(name)
	if err != nil {
		return err
	}
	return v.Set(uint32(value))
}

func (s *kernelSession) Element(m string, key []byte) ([]byte, error) {
	table, err := s.table(m)
	if err != nil {
		return nil, err
	}
	value, err := table.LookupBytes(key)
	if err == nil && value == nil {
		return nil, fmt.Errorf("%s: %w", m, ErrNoKey)
	}
	return value, err
}
