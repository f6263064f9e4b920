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
)

// MapSpec says what map to make. Sizes are in bytes.
type MapSpec struct {
	Kind               MapKind
	KeySize, ValueSize int
	MaxEntries         int
	Contents           []Pair // of an array: by index; of a per-CPU array the same for every CPU
}

// Pair is an element of a map.
type Pair struct{ Key, Value []byte }

// maxMapBytes bounds the memory of one map.
const maxMapBytes = 64 << 20

func (s *MapSpec) check() error {
	switch {
	case s.Kind > Hash:
		return fmt.Errorf("kind %d is not known", s.Kind)
	case s.Kind != Hash && s.KeySize != 4:
		return fmt.Errorf("keys of %d bytes: an array's have 4", s.KeySize)
	case s.KeySize < 1 || s.KeySize > 512:
		return fmt.Errorf("keys of %d bytes: want 1 to 512", s.KeySize)
	case s.ValueSize < 1 || s.ValueSize > MaxPacket:
		return fmt.Errorf("values of %d bytes: want 1 to %d", s.ValueSize, MaxPacket)
	case s.MaxEntries < 1 || s.MaxEntries > maxMapBytes/(s.ValueSize+s.KeySize):
		return fmt.Errorf("%d entries of %d bytes are none, or more than fit", s.MaxEntries, s.KeySize+s.ValueSize)
	}
	return nil
}

// Map is a map in memory that images read.
type Map struct {
	spec   MapSpec
	info   jit.MapInfo
	data   *exec.Data
	values uint64 // where the first value lies, or the first element of a hash
	stride int    // from one value to the next
	cpus   int

	mu   sync.Mutex // of everything that helpers do but look something up in an array
	hash *hash
}

func newMap(spec MapSpec, l *jit.Layout, cpus int) (*Map, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	m := &Map{spec: spec, stride: roundUp8(spec.ValueSize), cpus: 1}
	n := spec.MaxEntries
	switch spec.Kind {
	case PerCPUArray:
		m.cpus = cpus
	case Hash:
		m.hash = newHash(&spec, cpus)
		n = len(m.hash.next)
		m.stride += roundUp8(spec.KeySize)
	}
	header := int(l.ArrayPtrs)
	var err error
	if m.data, err = exec.NewData(header + m.cpus*n*m.stride); err != nil {
		return nil, err
	}
	m.data.Store4(int(l.ArrayMaxEntries), uint32(spec.MaxEntries))
	m.values = m.data.Addr(0) + uint64(header)
	m.info = jit.MapInfo{Addr: m.data.Addr(0), MaxEntries: uint32(spec.MaxEntries)}
	if spec.Kind == Array {
		m.info.Values, m.info.Stride = m.values, uint32(m.stride)
	}
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

// Value returns a copy of a key's value on a CPU, nil if the key has none.
func (m *Map) Value(key []byte, cpu int) []byte {
	if len(key) != m.spec.KeySize {
		return nil
	}
	addr := m.lookup(key, cpu)
	if addr == 0 {
		return nil
	}
	return append([]byte(nil), m.value(addr)...)
}

// Delete takes a key out, and says whether it was in.
func (m *Map) Delete(key []byte) bool { return len(key) == m.spec.KeySize && m.delete(key) == 0 }

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
	if m.spec.Kind != Hash {
		addr, _ := m.index(key, cpu)
		return addr
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.find(key)
}

// Flags of bpf_map_update_elem.
const (
	anyElem uint64 = iota
	noExist        // the key must be new
	exist          // the key must be there
)

func (m *Map) update(key, value []byte, flags uint64, cpu int) errno {
	if flags > exist {
		return einval
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.spec.Kind == Hash {
		return m.insert(key, value, flags)
	}
	addr, ok := m.index(key, cpu)
	switch {
	case !ok:
		return e2big
	case flags == noExist:
		return eexist
	}
	copy(m.value(addr), value)
	return 0
}

func (m *Map) delete(key []byte) errno {
	if m.spec.Kind != Hash {
		return einval // an array has all its keys for ever
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.remove(key)
}
