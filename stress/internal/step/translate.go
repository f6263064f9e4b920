package step

import (
	"slices"

	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/sim/x86"
)

// real translates a value that a thread has in the witness, where things lie elsewhere. ok is false
// for addresses of structs, which are not followed.
func (t *thread) real(r *replay, v uint64) (own uint64, ok bool) {
	m := r.w.Memory
	if n := slices.Index(m.Entry[:], v); n >= 0 {
		return t.entry[n], true
	}
	if n := slices.Index(m.Caller, v); n >= 0 {
		return t.caller[n], true
	}
	switch {
	case v == m.Return:
		return t.ret, true
	case m.Data.Has(v):
		return 0, false
	case inOrAfter(m.Stack, v):
		return v - m.Entry[x86.RSP] + t.entry[x86.RSP], true
	case inOrAfter(m.Context, v):
		return v - m.Entry[x86.RDI] + t.entry[x86.RDI], true
	}
	for n, p := range m.Programs {
		if p.Has(v) {
			return v - p.At + r.texts[n].at, true
		}
	}
	return v, true
}

// inOrAfter reports whether an address is one of the region, or that of its end.
func inOrAfter(r witness.Region, at uint64) bool { return at-r.At <= r.Size }
