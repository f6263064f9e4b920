package interp

import (
	"fmt"
	"math/bits"

	"github.com/cilium/ebpf/asm"
)

// alu64 is the arithmetic of RFC 9669 on 64 bits.
func alu64(op asm.ALUOp, x, y uint64) (uint64, error) {
	switch {
	case y == 0 && (op == asm.Div || op == asm.SDiv):
		return 0, nil
	case y == 0 && (op == asm.Mod || op == asm.SMod):
		return x, nil
	}
	switch op {
	case asm.Add:
		return x + y, nil
	case asm.Sub:
		return x - y, nil
	case asm.Mul:
		return x * y, nil
	case asm.Div:
		return x / y, nil
	case asm.Mod:
		return x % y, nil
	case asm.SDiv:
		return uint64(int64(x) / int64(y)), nil // the least number by -1 is that number, in Go too
	case asm.SMod:
		return uint64(int64(x) % int64(y)), nil
	case asm.Or:
		return x | y, nil
	case asm.And:
		return x & y, nil
	case asm.Xor:
		return x ^ y, nil
	case asm.LSh:
		return x << (y % 64), nil
	case asm.RSh:
		return x >> (y % 64), nil
	case asm.ArSh:
		return uint64(int64(x) >> (y % 64)), nil
	case asm.Neg:
		return -x, nil
	case asm.Mov:
		return y, nil
	case asm.MovSX8:
		return uint64(int64(int8(y))), nil
	case asm.MovSX16:
		return uint64(int64(int16(y))), nil
	case asm.MovSX32:
		return signed32(y), nil
	}
	return 0, fmt.Errorf("unknown operation %v", op)
}

// alu32 is the arithmetic on 32 bits; the upper half of the result is zero.
func alu32(op asm.ALUOp, x, y uint32) (uint64, error) {
	wx, wy := uint64(x), uint64(y)
	switch op { // the other operations carry nothing downwards
	case asm.LSh, asm.RSh:
		wy %= 32
	case asm.ArSh:
		wx, wy = signed32(wx), wy%32
	case asm.SDiv, asm.SMod:
		wx, wy = signed32(wx), signed32(wy)
	}
	z, err := alu64(op, wx, wy)
	return uint64(uint32(z)), err
}

// swap converts between byte orders on a little endian machine.
func swap(ins *asm.Instruction, x uint64) uint64 {
	if ins.OpCode.Class() == asm.ALU64Class || ins.OpCode.Endianness() == asm.BE {
		return bits.ReverseBytes64(x) >> (64 - uint(ins.Constant))
	}
	return x & (^uint64(0) >> (64 - uint(ins.Constant)))
}

// compare decides a conditional jump on 64 bits.
func compare(op asm.JumpOp, x, y uint64) (bool, error) {
	switch op {
	case asm.JEq:
		return x == y, nil
	case asm.JNE:
		return x != y, nil
	case asm.JSet:
		return x&y != 0, nil
	case asm.JGT:
		return x > y, nil
	case asm.JGE:
		return x >= y, nil
	case asm.JLT:
		return x < y, nil
	case asm.JLE:
		return x <= y, nil
	case asm.JSGT:
		return int64(x) > int64(y), nil
	case asm.JSGE:
		return int64(x) >= int64(y), nil
	case asm.JSLT:
		return int64(x) < int64(y), nil
	case asm.JSLE:
		return int64(x) <= int64(y), nil
	}
	return false, fmt.Errorf("unknown comparison %v", op)
}

// signed extends the lowest size bytes with their sign.
func signed(x uint64, size int) uint64 {
	unused := 64 - 8*size
	return uint64(int64(x<<unused) >> unused)
}

// signed32 extends the lower halves with their signs, after which a comparison of 64 bits is
// one of 32: the order is kept, and so is which bits two numbers share.
func signed32(x uint64) uint64 { return uint64(int64(int32(x))) }
