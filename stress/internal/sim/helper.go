package sim

import (
	"maps"
	"slices"

	"tailpoke/jit"
	"tailpoke/stress/internal/sim/x86"
)

// opaqueAt is where maps seem to lie that have no values here.
const opaqueAt = 0x7100_0000_0000

// addData gives the maps beside prog arrays their places: the values of arrays after the context, in the
// memory that is a thread's own.
func (s *system) addData(infos map[string]jit.MapInfo) error {
	s.own = slices.Clone(s.Ctx)
	for i, name := range slices.Sorted(maps.Keys(s.Data)) {
		m := s.Data[name]
		if m.Stride == 0 {
			infos[name] = jit.MapInfo{Addr: opaqueAt + uint64(i)*pageSize, MaxEntries: uint32(m.MaxEntries)}
			continue
		}
		if len(m.Values) != m.Stride*m.MaxEntries || len(m.Values) > MaxData || len(s.own)-len(s.Ctx)+len(m.Values) > MaxData {
			return unsupportedf("the arrays have more than %d bytes", MaxData)
		}
		s.own = append(s.own, make([]byte, -len(s.own)&63+int(s.Layout.ArrayPtrs))...)
		values := ctxAt + uint64(len(s.own))
		s.own = append(s.own, m.Values...)
		infos[name] = jit.MapInfo{
			Addr: values - uint64(s.Layout.ArrayPtrs), MaxEntries: uint32(m.MaxEntries), Values: values, Stride: uint32(m.Stride),
		}
	}
	return nil
}

// helperReturns is what stands in the place of the call of a helper: mov eax, 0. It returns 0, as most
// do that succeed, or find nothing, and touches nothing.
var helperReturns = []byte{0xb8, 0, 0, 0, 0}

// stub puts that in the place of calls.
func (t *text) stub() error {
	for _, r := range t.img.Refs {
		if r.Kind != jit.RefHelper {
			continue
		}
		sig, known := jit.SignatureOf(r.Helper)
		if !known && r.Helper != jit.LoadPacket8 && r.Helper != jit.LoadPacket16 && r.Helper != jit.LoadPacket32 || sig.Returns == jit.ReturnsAddress {
			return unsupportedf("%s calls %v, which never returns 0", t.name, r.Helper)
		}
		t.insns[int(r.Off)+r.Size-len(helperReturns)] = x86.Decode(helperReturns)
	}
	return nil
}
