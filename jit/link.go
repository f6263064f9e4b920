package jit

import (
	"encoding/binary"
	"math"
	"slices"
)

// Link gives the machine code as it is to lie at an address: with the calls of helpers leading
// to theirs, which helper tells. That is all that depends on the place.
func (img *Image) Link(at uint64, helper func(Helper) uint64) ([]byte, error) {
	code := slices.Clone(img.Code)
	for _, r := range img.Refs {
		if r.Kind != RefHelper {
			continue
		}
		h, ok := helperOf(&img.Program.Insns[r.Insn])
		if !ok {
			return nil, img.Program.errorf(r.Insn, "calls no helper")
		}
		addr := helper(h)
		if addr == 0 {
			return nil, img.Program.errorf(r.Insn, "there is no helper %v here", h)
		}
		end := at + uint64(r.Off) + 4
		rel := int64(addr - end)
		if rel < math.MinInt32 || rel > math.MaxInt32 {
			return nil, img.Program.errorf(r.Insn, "helper %v is %+#x bytes away: out of reach", h, rel)
		}
		binary.LittleEndian.PutUint32(code[r.Off:], uint32(rel))
	}
	return code, nil
}
