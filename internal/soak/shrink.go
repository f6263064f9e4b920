package soak

import (
	"context"
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

// maxTries bounds how many scripts are tried.
const maxTries = 64

// shrink finds fewer calls that break the property, or any where no engine here sees that one. The
// calls of the model's counterexample are tried first: it is the shortest that there is. The machine
// engine explores every execution of a script, so that its answer is no matter of luck. Where it sees
// no violation, nothing is said: nil.
func (m *maker) shrink(ctx context.Context, script protocol.Script, p protocol.Property) protocol.Script {
	breaks := m.breaks(ctx, p)
	for i := range m.verdicts {
		if w := m.verdicts[i].Witness; w != nil {
			if s := w.Script(); len(s) > 0 && len(s) <= len(script) && breaks(s) {
				return s
			}
		}
	}
	if !breaks(script) {
		return nil
	}
	return smallest(script, breaks)
}

// breaks returns what says whether a script breaks the property.
func (m *maker) breaks(ctx context.Context, p protocol.Property) func(protocol.Script) bool {
	if !slices.Contains(m.judged(), p) {
		p = ""
	}
	tries := 0
	return func(s protocol.Script) bool {
		if tries++; tries > maxTries || ctx.Err() != nil {
			return false
		}
		d, err := stress.Run(ctx, m.o.Subject, m.workload, stress.Options{
			Engines: []protocol.Engine{protocol.Machine}, Script: s, Budget: scriptTime, MaxMemory: m.o.MaxMemory,
		})
		if err != nil {
			return false // as a script that unloads what it never loaded
		}
		v := d.Of(protocol.Machine)
		return v.Verdict == protocol.Violated && (p == "" || v.Property == p)
	}
}

// judged are the properties that the machine engine judges of the subject.
func (m *maker) judged() []protocol.Property {
	i := slices.IndexFunc(m.verdicts, func(v report.Verdict) bool { return v.Engine == protocol.Machine })
	if i < 0 {
		return nil
	}
	if v := &m.verdicts[i]; v.Verdict != protocol.Violated {
		return v.Properties
	}
	return []protocol.Property{m.verdicts[i].Property} // it ends with the first one
}

// smallest leaves out calls as long as what is left breaks the property: first halves, then smaller
// parts, as delta debugging does.
func smallest(s protocol.Script, breaks func(protocol.Script) bool) protocol.Script {
	for parts := 2; len(s) > 1; {
		size := (len(s) + parts - 1) / parts
		smaller := false
		for at := len(s) - size; !smaller && at > -size; at -= size { // the fault is in the last calls
			from := max(at, 0)
			less := slices.Delete(slices.Clone(s), from, min(at+size, len(s)))
			if len(less) > 0 && breaks(less) {
				s, smaller = less, true
			}
		}
		switch {
		case smaller:
			parts = max(parts-1, 2)
		case size == 1:
			return s
		default:
			parts = min(2*parts, len(s))
		}
	}
	return s
}
