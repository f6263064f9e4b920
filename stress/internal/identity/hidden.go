package identity

import (
	"bytes"
	"encoding/binary"
	"errors"

	"tailpoke/jit"
)

// hidden is what the verifier decided and bpf(2) does not show: how deep each function's
// stack is, whether it is a private one, whether the function keeps the counter of tail calls,
// and which tail calls are direct. Our own analysis finds the same where constants and addresses
// follow from the instructions alone; where the verifier knew more (what a comparison says of a
// key, how far a variable offset reaches, a tail call in code that was removed), it is read off
// the image.
type hidden struct {
	depths   []int
	private  []uint64
	counting []bool
	direct   []bool
}

var errHidden = errors.New("image has other tail calls than the program")

// recover reads them off.
func (r *readback) recover(k *Compiler, p *jit.Program) (hidden, error) {
	var h hidden
	for _, f := range r.funcs {
		h.depths = append(h.depths, stackDepth(k, f.code))
		h.counting = append(h.counting, keepsCounter(k, f.code))
		h.private = append(h.private, privateStack(k, f.code))
		h.direct = append(h.direct, sites(k, f.code)...)
	}
	if len(h.direct) != len(p.TailCalls) {
		return h, errHidden
	}
	return h, nil
}

// subRSP is the opcode of sub rsp, imm32.
var subRSP = []byte{0x48, 0x81, 0xec}

// landing is the code from where tail calls enter.
func landing(k *Compiler, code []byte) []byte { return code[min(int(k.Layout.AdjOff), len(code)):] }

// stackDepth is by how much a function lowers rsp, right where tail calls enter.
func stackDepth(k *Compiler, code []byte) int {
	sub, ok := bytes.CutPrefix(landing(k, code), subRSP)
	if !ok || len(sub) < 4 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(sub))
}

// keepsCounter says whether a function pushes the counter of tail calls next.
func keepsCounter(k *Compiler, code []byte) bool {
	code = landing(k, code)
	if bytes.HasPrefix(code, subRSP) {
		code = code[min(len(subRSP)+4, len(code)):]
	}
	return bytes.HasPrefix(code, []byte{0x50, 0x50}) || // push rax; push rax
		bytes.HasPrefix(code, []byte{0x48, 0x83, 0xf8, byte(k.Layout.Counter.Limit)}) // cmp rax, limit
}

// sites finds the tail calls of a function, and says which are direct. The instructions it
// looks for stand nowhere else: no other code compares with memory.
func sites(k *Compiler, code []byte) []bool {
	var direct []bool
	indirect := false
	for off := 0; off < len(code); {
		size, _ := decode(code[off:])
		switch ins := code[off : off+size]; {
		case bytes.HasPrefix(ins, []byte{0x39, 0x56}): // cmp [rsi+max_entries], edx
			indirect = true
		case bytes.Equal(ins, []byte{0x48, 0x83, 0x38, byte(k.Layout.Counter.Limit)}): // cmp [rax], limit
			direct = append(direct, !indirect)
			indirect = false
		}
		off += size
	}
	return direct
}
