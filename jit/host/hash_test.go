package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// check says what is wrong with a hash: every element is in the chain of its key, or free, and
// nowhere else.
func (m *Map) check() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.hash
	seen := make([]bool, len(h.next))
	visit := func(e int32) error {
		if e < 0 || int(e) >= len(seen) || seen[e] {
			return fmt.Errorf("element %d is in two places, or none", e)
		}
		seen[e] = true
		return nil
	}
	used, free := 0, 0
	for i, first := range h.buckets {
		for e := first; e != end; e = h.next[e] {
			if err := visit(e); err != nil {
				return err
			}
			if h.chain(m.key(e)) != &h.buckets[i] {
				return fmt.Errorf("element %d with key % x is in the chain of another", e, m.key(e))
			}
			used++
		}
	}
	for e := h.free; e != end; e = h.next[e] {
		if err := visit(e); err != nil {
			return err
		}
		if h.next[e] == end && e != h.last {
			return fmt.Errorf("the last free element is %d, not %d", e, h.last)
		}
		free++
	}
	if used != h.used || used > m.spec.MaxEntries || used+free != len(h.next) {
		return fmt.Errorf("%d elements are used, counted as %d of %d; %d are free", used, h.used, m.spec.MaxEntries, free)
	}
	return nil
}

// A hashModel is what a hash should hold.
type hashModel struct {
	r     *rig
	spec  MapSpec
	holds map[string][]byte
}

// expect is what an update returns, which it makes if it may.
func (m *hashModel) expect(key, value []byte, flags uint64) int64 {
	_, there := m.holds[string(key)]
	switch {
	case flags > 2:
		return -22
	case there && flags == 1:
		return -17
	case !there && flags == 2:
		return -2
	case !there && len(m.holds) == m.spec.MaxEntries:
		return -7
	}
	m.holds[string(key)] = value
	return 0
}

func (m *hashModel) key(t *rapid.T) (uint64, []byte) {
	v := rapid.Uint64Range(0, 6).Draw(t, "key")
	v |= v << (8 * (m.spec.KeySize - 1)) // the last byte tells them apart as well as the first
	return v, append(word(v), make([]byte, m.spec.KeySize)...)[:m.spec.KeySize]
}

func (m *hashModel) actions() map[string]func(*rapid.T) {
	hash := m.r.host.Map("hash")
	want := func(t *rapid.T, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	return map[string]func(*rapid.T){
		"update": func(t *rapid.T) {
			k, key := m.key(t)
			v, flags := rapid.Uint64().Draw(t, "value"), rapid.Uint64Range(0, 4).Draw(t, "flags")
			got := int64(m.r.run(concat(update("hash", k, v, int64(flags)), exit())...))
			want(t, got, m.expect(key, word(v)[:m.spec.ValueSize], flags))
		},
		"remove": func(t *rapid.T) {
			k, key := m.key(t)
			_, there := m.holds[string(key)]
			delete(m.holds, string(key))
			want(t, m.r.run(concat(remove("hash", k), exit())...) == 0, there)
		},
		"lookup": func(t *rapid.T) {
			k, key := m.key(t)
			addr := m.r.run(concat(lookup("hash", k), exit())...)
			value, there := m.holds[string(key)]
			want(t, addr != 0, there)
			if there && !bytes.Equal(hash.value(addr), value) {
				t.Fatalf("% x, want % x", hash.value(addr), value)
			}
		},
		"Put": func(t *rapid.T) {
			_, key := m.key(t)
			value := word(rapid.Uint64().Draw(t, "value"))[:m.spec.ValueSize]
			want(t, hash.Put(key, value) == nil, m.expect(key, value, 0) == 0)
		},
		"Delete": func(t *rapid.T) {
			_, key := m.key(t)
			_, there := m.holds[string(key)]
			delete(m.holds, string(key))
			want(t, hash.Delete(key), there)
		},
		"": func(t *rapid.T) {
			if err := hash.check(); err != nil {
				t.Fatal(err)
			}
			if hash.hash.used != len(m.holds) {
				t.Fatalf("%d elements, want %d", hash.hash.used, len(m.holds))
			}
			for key, value := range m.holds {
				if got := hash.Value([]byte(key), 0); !bytes.Equal(got, value) {
					t.Fatalf("key % x has % x, want % x", key, got, value)
				}
			}
		},
	}
}

// TestHashIsAMap does what it likes with a hash and with a map of Go's.
func TestHashIsAMap(t *testing.T) {
	for _, spec := range []MapSpec{
		{Kind: Hash, KeySize: 8, ValueSize: 8, MaxEntries: 4}, {Kind: Hash, KeySize: 1, ValueSize: 3, MaxEntries: 1},
		{Kind: Hash, KeySize: 5, ValueSize: 1, MaxEntries: 7},
	} {
		t.Run(fmt.Sprintf("%d bytes, %d of them", spec.KeySize, spec.MaxEntries), func(t *testing.T) {
			r := newRig(t, Config{Maps: map[string]MapSpec{"hash": spec}})
			rapid.Check(t, func(t *rapid.T) {
				m := &hashModel{r: r, spec: spec, holds: map[string][]byte{}}
				for k := range uint64(7) {
					k |= k << (8 * (spec.KeySize - 1))
					r.host.Map("hash").Delete(binary.LittleEndian.AppendUint64(nil, k)[:spec.KeySize])
				}
				t.Repeat(m.actions())
			})
		})
	}
}
