package identity

import "bytes"

// unsupported says what the kernel's image has that package jit does not make, or "". Only
// instructions that jit never emits tell it.
func (r *readback) unsupported() string {
	reason := ""
	for _, f := range r.funcs {
		for code := f.code; len(code) > 0; {
			size, _ := decode(code)
			switch ins := code[:size]; {
			case bytes.Equal(ins, []byte{0x4d, 0x29, 0xd3}): // sub r11, r10
				return "a load that may fault: the kernel checks its address"
			case bytes.HasPrefix(ins, []byte{0x49, 0xbc}): // mov r12, imm64
				return "an arena: r12 holds its base"
			case bytes.Equal(ins, []byte{0x41, 0x54}): // push r12
				reason = "exceptions: all registers are pushed, to be found when one is thrown"
			}
			code = code[size:]
		}
	}
	return reason
}
