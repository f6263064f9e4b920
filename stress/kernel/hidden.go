package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"

	"tailpoke/jit"
)

// hidden is what the verifier decided and bpf(2) does not show: how deep each function's
// stack is, and which tail calls are direct. Our own analysis finds the same where constants
// and addresses follow from the instructions alone; where the verifier knew more (what a
// comparison says of a key, how far a variable offset reaches), it is read off the image.
type hidden struct {
	depths []int
	direct []bool
}

var errHidden = errors.New("image has other tail calls than the program")

// recover reads them off.
func (r *readback) recover(t *Target, p *jit.Program) (hidden, error) {
	var h hidden
	for _, f := range r.funcs {
		h.depths = append(h.depths, stackDepth(t, f.code))
		h.direct = append(h.direct, sites(t, f.code)...)
	}
	if len(h.direct) != len(p.TailCalls) {
		return h, errHidden
	}
	return h, nil
}

// stackDepth is by how much a function lowers rsp, right where tail calls enter.
func stackDepth(t *Target, code []byte) int {
	sub, ok := bytes.CutPrefix(code[min(int(t.Layout.AdjOff), len(code)):], []byte{0x48, 0x81, 0xec})
	if !ok || len(sub) < 4 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(sub))
}

// sites finds the tail calls of a function, and says which are direct. The instructions it
// looks for stand nowhere else: no other code compares with memory.
func sites(t *Target, code []byte) []bool {
	var direct []bool
	indirect := false
	for off := 0; off < len(code); {
		size, _ := decode(code[off:])
		switch ins := code[off : off+size]; {
		case bytes.HasPrefix(ins, []byte{0x39, 0x56}): // cmp [rsi+max_entries], edx
			indirect = true
		case bytes.Equal(ins, []byte{0x48, 0x83, 0x38, byte(t.Layout.Counter.Limit)}): // cmp qword ptr [rax], limit
			direct = append(direct, !indirect)
			indirect = false
		}
		off += size
	}
	return direct
}
