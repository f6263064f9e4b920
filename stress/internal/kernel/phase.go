package kernel

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/cilium/ebpf"
)

// The time of a run is cut into phases: one for each operation, and one between any two. The
// mutator says of each, before it begins, what executions may return that are in it; of one that
// spans several, what any of these allows. The map of phases is one value:
//
//	seq; ring[64]{seq legal kind -}
//
// An entry of the ring is written in three steps: its number is made 0, then the rest is written,
// then the number; each is a call of bpf(2), so that no CPU sees them in another order. A checker
// reads the number, the rest, and the number again.
const (
	phaseSeq   = 0
	phaseRing  = 64
	phaseShift = 5 // of the size of an entry
	phases     = 64
	phaseSize  = phaseRing + phases<<phaseShift

	// maxPhases is how many ends of phases in one execution are looked into. An execution takes some
	// 100 ns and a phase at least some microseconds: more than that only if it was preempted.
	maxPhases = 3
)

func phaseSpec() *ebpf.MapSpec {
	return &ebpf.MapSpec{Name: phaseName, Type: ebpf.Array, KeySize: 4, ValueSize: phaseSize, MaxEntries: 1}
}

// remembered is how many phases the callers that do not check themselves can look back.
const remembered = 4096

// A clock counts the phases. The mutator alone sets it; threads read it without a lock, because
// hundreds of them that queue for one on few CPUs come to a stop for seconds.
type clock struct {
	m        *ebpf.Map
	value    []byte
	prepared atomic.Uint64 // the last phase that was
	seq      atomic.Uint64
	past     [remembered]pastPhase
}

type pastPhase struct {
	legal atomic.Uint64
	kind  atomic.Int64
}

func newClock(m *ebpf.Map) *clock { return &clock{m: m, value: make([]byte, phaseSize)} }

// begin begins the next phase. Only the mutator calls it.
func (c *clock) begin(kind int, legal uint64) error {
	if err := c.prepare(kind, legal); err != nil {
		return err
	}
	return c.next()
}

// prepare says what the phase will be after the last one that was prepared.
func (c *clock) prepare(kind int, legal uint64) error {
	seq := c.prepared.Load() + 1
	entry := c.value[phaseRing+(seq%phases)<<phaseShift:]
	for _, write := range []func(){
		func() { binary.LittleEndian.PutUint64(entry, 0) },
		func() {
			binary.LittleEndian.PutUint64(entry[8:], legal)
			binary.LittleEndian.PutUint64(entry[16:], uint64(kind))
		},
		func() { binary.LittleEndian.PutUint64(entry, seq) },
	} {
		write()
		if err := c.m.Put(uint32(0), c.value); err != nil {
			return err
		}
	}
	p := &c.past[seq%remembered]
	p.legal.Store(legal)
	p.kind.Store(int64(kind))
	c.prepared.Store(seq)
	return nil
}

// next begins the next phase, which was prepared. For callers that do not check themselves it
// begins a little earlier than for the others.
func (c *clock) next() error {
	binary.LittleEndian.PutUint64(c.value[phaseSeq:], c.seq.Add(1))
	return c.m.Put(uint32(0), c.value)
}

// now is the number of the current phase.
func (c *clock) now() uint64 { return c.seq.Load() }

// between is what is legal in one of the phases, which operation was in progress, and whether that
// is still known.
func (c *clock) between(from, to uint64) (legal uint64, kind int, known bool) {
	for seq := from; seq <= to && seq-from < remembered; seq++ {
		p := &c.past[seq%remembered]
		legal |= p.legal.Load()
		switch k := int(p.kind.Load()); {
		case kind == kindNone:
			kind = k
		case k != kindNone:
			kind = kindSeveral
		}
	}
	// Of what was read, an entry may have been of the phase that is prepared next.
	if c.prepared.Load()+1-from >= remembered {
		return 0, kindSeveral, false
	}
	return legal, kind, true
}
