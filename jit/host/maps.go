package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// MapKind is a kind of map.
type MapKind uint8

// The kinds.
const (
	Array MapKind = iota
	PerCPUArray
	Hash
	PerCPUHash
	LPMTrie // a key is the length of a prefix, 4 bytes, and what it is a prefix of
	// Opaque is any other map. It has an address, and nothing in it.
	Opaque
)

// hashed says whether a map has elements that come and go.
func (k MapKind) hashed() bool { return k == Hash || k == PerCPUHash || k == LPMTrie }

// MapSpec says what map to make. Sizes are in bytes.
type MapSpec struct {
	Kind               MapKind
	KeySize, ValueSize int
	MaxEntries         int
	// Evicts says that a full map lets another element go, as the maps do that keep what was used last.
	Evicts bool
	// Given says that others put values into an array, so that it need not begin as Contents says.
	Given bool
	// Object says that an opaque map has a value all the same: an object of the kernel.
	Object   bool
	Contents []Pair // of an array: by index; of a per-CPU array the same for every CPU
}

// Pair is an element of a map.
type Pair struct{ Key, Value []byte }

// maxMapBytes bounds the memory of one map, of a per-CPU array on each CPU.
const maxMapBytes = 64 << 20

// stride is how far it is from one value to the next, or from one element of a hash.
func (s *MapSpec) stride() int {
	if s.Kind.hashed() {
		return roundUp8(s.ValueSize) + roundUp8(s.KeySize)
	}
	return roundUp8(s.ValueSize)
}

func (s *MapSpec) check() error {
	switch {
	case s.Kind > Opaque:
		return fmt.Errorf("kind %d is not known", s.Kind)
	case s.Kind == Opaque:
		return nil
	case !s.Kind.hashed() && s.KeySize != 4:
		return fmt.Errorf("keys of %d bytes: an array's have 4", s.KeySize)
	case s.KeySize < 1 || s.KeySize > 512:
		return fmt.Errorf("keys of %d bytes: want 1 to 512", s.KeySize)
	case s.ValueSize < 1 || s.ValueSize > MaxPacket:
		return fmt.Errorf("values of %d bytes: want 1 to %d", s.ValueSize, MaxPacket)
	case s.MaxEntries < 1 || s.MaxEntries > maxMapBytes/s.stride():
		return fmt.Errorf("%d entries of %d bytes: want 1 to %d", s.MaxEntries, s.stride(),
			maxMapBytes/s.stride())
	}
	return nil
}

// InfoAt is what the compiler must know of such a map at an address.
func (s *MapSpec) InfoAt(addr uint64, l *jit.Layout) jit.MapInfo {
	info := jit.MapInfo{Addr: addr, MaxEntries: uint32(s.MaxEntries)}
	if s.Kind == Array || s.Object {
		info.Values, info.Stride = addr+uint64(l.ArrayPtrs), uint32(roundUp8(s.ValueSize))
	}
	return info
}

// Map is a map in memory that images read.
type Map struct {
	spec   MapSpec
	info   jit.MapInfo
	data   *exec.Data
	values uint64 // where the first value lies, or the first element of a hash
	stride int    // see MapSpec.stride; of a per-CPU hash that of all values and the key
	cpus   int

	mu   sync.Mutex // of everything that helpers do but look something up in an array
	hash *hash
}

func newMap(spec MapSpec, l *jit.Layout, cpus int) (*Map, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	m := &Map{spec: spec, stride: spec.stride(), cpus: 1}
	n := spec.MaxEntries
	switch spec.Kind {
	case PerCPUArray:
		m.cpus = cpus
	case PerCPUHash:
		m.cpus = cpus
		m.stride += (cpus - 1) * roundUp8(spec.ValueSize)
	case Opaque:
		n = 0
	}
	size := m.cpus * n * m.stride
	if spec.Kind.hashed() {
		m.hash = newHash(&spec, cpus)
		size = len(m.hash.next) * m.stride
	}
	header := int(l.ArrayPtrs)
	var err error
	if m.data, err = exec.NewData(header + size); err != nil {
		return nil, err
	}
	m.data.Store4(int(l.ArrayMaxEntries), uint32(spec.MaxEntries))
	m.values = m.data.Addr(0)
	if size > 0 {
		m.values = m.data.Addr(header)
	}
	m.info = spec.InfoAt(m.data.Addr(0), l)
	for _, p := range spec.Contents {
		if err := m.Put(p.Key, p.Value); err != nil {
			return nil, errors.Join(fmt.Errorf("key % x: %w", p.Key, err), m.data.Close())
		}
	}
	return m, nil
}

func roundUp8(n int) int { return (n + 7) &^ 7 }

// Put gives a key a value, on every CPU.
func (m *Map) Put(key, value []byte) error {
	if len(key) != m.spec.KeySize || len(value) != m.spec.ValueSize {
		return fmt.Errorf("key of %d and value of %d bytes: want %d and %d",
			len(key), len(value), m.spec.KeySize, m.spec.ValueSize)
	}
	for cpu := range m.cpus {
		if e := m.update(key, value, anyElem, cpu); e != 0 {
			return fmt.Errorf("error %d of the map", e)
		}
	}
	return nil
}

// Value returns a copy of a key's value on a CPU, nil if the key has none. No helper changes it
// meanwhile.
func (m *Map) Value(key []byte, cpu int) []byte {
	if len(key) != m.spec.KeySize || m.cpus > 1 && (cpu < 0 || cpu >= m.cpus) {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	addr := m.find(key, cpu)
	if addr == 0 {
		return nil
	}
	return append([]byte(nil), m.value(addr)...)
}

// Delete takes a key out, and says whether it was in.
func (m *Map) Delete(key []byte) bool { return len(key) == m.spec.KeySize && m.delete(key) == 0 }

// within returns n bytes of one value, nil if they are not that.
func (m *Map) within(addr uint64, n int) []byte {
	if addr < m.values || m.spec.Kind == Opaque {
		return nil
	}
	at, value := int((addr-m.values)%uint64(m.stride)), roundUp8(m.spec.ValueSize)
	if m.hash != nil && at >= m.keyAt() || at%value+n > m.spec.ValueSize {
		return nil
	}
	return m.data.At(addr, n)
}

func (m *Map) value(addr uint64) []byte { return m.data.At(addr, m.spec.ValueSize) }

// index is the address of an array's value.
func (m *Map) index(key []byte, cpu int) (addr uint64, ok bool) {
	i := int(binary.LittleEndian.Uint32(key))
	if i >= m.spec.MaxEntries {
		return 0, false
	}
	return m.values + uint64((cpu%m.cpus*m.spec.MaxEntries+i)*m.stride), true
}

// lookup returns the address of a key's value, or 0.
func (m *Map) lookup(key []byte, cpu int) uint64 {
	if m.hash != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	return m.find(key, cpu)
}

// find is lookup for callers that hold the lock. An array needs no lock.
func (m *Map) find(key []byte, cpu int) uint64 {
	switch m.spec.Kind {
	case Array, PerCPUArray:
		addr, _ := m.index(key, cpu)
		return addr
	case LPMTrie:
		return m.longest(key)
	case Opaque:
		return 0
	}
	if at := m.seek(key); at != nil {
		return m.ofCPU(m.element(*at), cpu)
	}
	return 0
}

// Flags of bpf_map_update_elem.
const (
	anyElem uint64 = iota
	noExist        // the key must be new
	exist          // the key must be there
)

// locked is one more flag, for values that contain a lock. None does.
const locked uint64 = 4

func (m *Map) update(key, value []byte, flags uint64, cpu int) errno {
	switch {
	case m.spec.Kind == Opaque:
		return 0
	case flags&^locked > exist || flags&locked != 0 && m.hash != nil:
		return einval
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hash != nil {
		return m.insert(key, value, flags, cpu)
	}
	addr, ok := m.index(key, cpu)
	switch {
	case !ok:
		return e2big
	case flags&noExist != 0:
		return eexist
	case flags&locked != 0:
		return einval
	}
	copy(m.value(addr), value)
	return 0
}

func (m *Map) delete(key []byte) errno {
	if m.hash == nil {
		return einval // an array has all its keys for ever
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.remove(key)
}
