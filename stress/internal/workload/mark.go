package workload

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// maxMarkers is how many markers a workload gets at most.
const maxMarkers = 8

// markOf is what a marker returns: no program means to return that.
func markOf(i int) uint64 { return 0x7a69_6c70_0000_0000 | uint64(i+1)<<20 | 0x5a5a5 }

// Marked is the workload with as many more programs as it has, that return a number of their own each.
// Which of them an execution ended in can be told where nothing else is known of what it returns.
func (w *Workload) Marked() (*Workload, error) {
	w.marked.Do(func() { w.withMarkers, w.markersErr = w.mark() })
	return w.withMarkers, w.markersErr
}

func (w *Workload) mark() (*Workload, error) {
	m := &Workload{
		Entry: w.Entry, Programs: w.Programs[:len(w.Programs):len(w.Programs)], Maps: w.Maps, Keys: w.Keys, Data: w.Data, Context: w.Context,
		Source: w.Source, spec: w.spec, limit: w.limit, markers: min(max(2, len(w.Programs)), maxMarkers),
	}
	for i := range m.markers {
		name := fmt.Sprintf("marker %d", i+1)
		p, err := jit.Parse(name, asm.Instructions{
			asm.LoadImm(asm.R0, int64(markOf(i)), asm.DWord).WithSymbol(name), asm.Return(),
		})
		if err != nil {
			return nil, err
		}
		m.Programs = append(m.Programs, p)
	}
	return m, nil
}

// unmarked is how many of the programs are no markers.
func (w *Workload) unmarked() int { return len(w.Programs) - w.markers }
