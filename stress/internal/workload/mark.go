package workload

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
)

// maxMarkers is how many markers a workload gets at most.
const maxMarkers = 8

// markOf is what a marker returns: no program means to return that.
func markOf(i int) uint64 { return 0x7a69_6c70_0000_0000 | uint64(i+1)<<20 | 0x5a5a5 }

// Marked is the workload with a context, and with as many more programs as it has, that return a number of their own each.
// Which of them an execution ended in can be told where nothing else is known of what it returns.
func (w *Workload) Marked(c Context) (*Workload, error) {
	return w.marked.get(fmt.Sprint(c), func() (*Workload, error) { return w.mark(c) })
}

func (w *Workload) mark(c Context) (*Workload, error) {
	m := &Workload{
		Entry: w.Entry, Programs: w.Programs[:len(w.Programs):len(w.Programs)], Maps: w.Maps, Keys: w.Keys, Data: w.Data, Context: c,
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

// Blind is what a marked workload may return for somebody who has not looked.
func (w *Workload) Blind(l *jit.Layout, c Context) *Oracle {
	o := &Oracle{workload: w, layout: l, ctx: c, keys: map[protocol.Key]int{}, bit: map[uint64]uint64{}, known: map[string]uint64{}}
	o.unknown = "nobody has looked"
	o.take(o.anything())
	return o
}

// Markers are the programs that are markers.
func (w *Workload) Markers() []*jit.Program { return w.Programs[w.unmarked():] }

// Simulated are the programs that keys are given where there can be few of them: the markers, or its own.
func (w *Workload) Simulated(most int) []*jit.Program {
	if w.markers > 0 {
		return w.Markers()[:2]
	}
	return w.Programs[:min(len(w.Programs), most)]
}

// unmarked is how many of the programs are no markers.
func (w *Workload) unmarked() int { return len(w.Programs) - w.markers }
