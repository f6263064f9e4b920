package kernel

import (
	"encoding/binary"

	"tailpoke/stress/internal/live"

	"github.com/cilium/ebpf"
)

// A row is what the checkers of one CPU count, in words of eight bytes:
//
//	canary[4] bad unchecked overlaps[8] records[8]{value from to legal lost} counts[values+1]
//
// overlaps are by the operation in progress, the last count is of values that no path returns.
const (
	rowCanary    = 0
	rowBad       = 32
	rowUnchecked = 40
	rowOverlaps  = 48
	rowRecords   = rowOverlaps + 8*kinds8
	records      = 8
	recordSize   = 40
	rowCounts    = rowRecords + records*recordSize
)

// What an execution overlaps; the operations follow kindNone in their order.
const (
	kindNone    = 0
	kindSeveral = 4

	overlapKinds = kindSeveral + 1
	kinds8       = 8 // columns of a row: a power of two
)

func rowSize(outcomes []live.Outcome) int { return rowCounts + 8*(1+len(distinctValues(outcomes))) }

// rowsSpec is the map of all rows, one for each CPU that there may be.
func rowsSpec(outcomes []live.Outcome) *ebpf.MapSpec {
	return &ebpf.MapSpec{Name: rowsName, Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: uint32(rowSize(outcomes)), MaxEntries: 1}
}

// A record is a bad execution.
type record struct {
	value    uint32
	from, to uint64 // phases
	legal    uint64 // a bit for each outcome that was
	lost     bool   // it lost a callee-saved register
}

// tally is what all rows say.
type tally struct {
	bad, unchecked uint64
	overlaps       [overlapKinds]uint64
	counts         []uint64 // by value, then those that no path returns
	records        []record
}

// fillRows gives every row its canaries.
func fillRows(rows *ebpf.Map, seed uint64) error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return err
	}
	values := make([][]byte, cpus)
	for i := range values {
		values[i] = make([]byte, rows.ValueSize())
		for c := range uint64(4) {
			// No pointer, and no number that a program is likely to have.
			binary.LittleEndian.PutUint64(values[i][rowCanary+8*c:], 0x5a5a_0000_0000_0000|(seed+uint64(i)*4+c)*0x9e37_79b9&0xffff_ffff)
		}
	}
	return rows.Put(uint32(0), values)
}

// lookupRows reads all rows, in one call of bpf(2).
func lookupRows(rows *ebpf.Map) (values [][]byte, err error) {
	return values, rows.Lookup(uint32(0), &values)
}

// rowsOverlaps is how many executions overlapped operations of a kind.
func rowsOverlaps(rows *ebpf.Map, kind int) (uint64, error) {
	values, err := lookupRows(rows)
	n := uint64(0)
	for _, b := range values {
		n += binary.LittleEndian.Uint64(b[rowOverlaps+8*kind:])
	}
	return n, err
}

// readRows sums all rows up.
func readRows(rows *ebpf.Map, t *tally) error {
	*t = tally{counts: make([]uint64, (int(rows.ValueSize())-rowCounts)/8)}
	values, err := lookupRows(rows)
	for _, b := range values {
		t.add(b)
	}
	return err
}

// add adds one row.
func (t *tally) add(b []byte) {
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	bad := word(rowBad)
	t.bad += bad
	t.unchecked += word(rowUnchecked)
	for k := range kinds8 { // one that was not known, beside one that was, is kindSeveral too
		t.overlaps[min(k, kindSeveral)] += word(rowOverlaps + 8*k)
	}
	for k := range t.counts {
		t.counts[k] += word(rowCounts + 8*k)
	}
	for k := range min(int(bad), records) {
		at := rowRecords + k*recordSize
		t.records = append(t.records, record{
			value: uint32(word(at)), from: word(at + 8), to: word(at + 16), legal: word(at + 24), lost: word(at+32) != 0,
		})
	}
}
