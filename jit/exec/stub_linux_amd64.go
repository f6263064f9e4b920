package exec

import "encoding/binary"

// HelperStubSize is the size of a [HelperStub], in bytes.
const HelperStubSize = 24

// HelperStub is the machine code of a helper: calling it brings the number to Host.Call.
func HelperStub(fn uint32) []byte {
	code := make([]byte, 0, HelperStubSize)
	code = append(code, 0xb8) // mov eax, fn
	code = binary.LittleEndian.AppendUint32(code, fn)
	code = append(code, 0xff, 0x25, 0, 0, 0, 0) // jmp [rip]
	code = binary.LittleEndian.AppendUint64(code, uint64(leaveAddr()))
	return append(code, Int3, Int3, Int3, Int3, Int3)
}
