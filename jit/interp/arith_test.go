package interp

import (
	"math/bits"
	"testing"

	"github.com/cilium/ebpf/asm"
	"pgregory.net/rapid"

	"tailpoke/jit"
)

// goALU is what each operation means, in Go, on either width.
var goALU = map[asm.ALUOp]struct {
	wide   func(x, y uint64) uint64
	narrow func(x, y uint32) uint32
}{
	asm.Add:  {func(x, y uint64) uint64 { return x + y }, func(x, y uint32) uint32 { return x + y }},
	asm.Sub:  {func(x, y uint64) uint64 { return x - y }, func(x, y uint32) uint32 { return x - y }},
	asm.Mul:  {func(x, y uint64) uint64 { return x * y }, func(x, y uint32) uint32 { return x * y }},
	asm.Or:   {func(x, y uint64) uint64 { return x | y }, func(x, y uint32) uint32 { return x | y }},
	asm.And:  {func(x, y uint64) uint64 { return x & y }, func(x, y uint32) uint32 { return x & y }},
	asm.Xor:  {func(x, y uint64) uint64 { return x ^ y }, func(x, y uint32) uint32 { return x ^ y }},
	asm.Mov:  {func(_, y uint64) uint64 { return y }, func(_, y uint32) uint32 { return y }},
	asm.LSh:  {func(x, y uint64) uint64 { return x << (y & 63) }, func(x, y uint32) uint32 { return x << (y & 31) }},
	asm.RSh:  {func(x, y uint64) uint64 { return x >> (y & 63) }, func(x, y uint32) uint32 { return x >> (y & 31) }},
	asm.ArSh: {func(x, y uint64) uint64 { return uint64(int64(x) >> (y & 63)) }, func(x, y uint32) uint32 { return uint32(int32(x) >> (y & 31)) }},
	asm.Div:  {divide[uint64], divide[uint32]},
	asm.Mod:  {remain[uint64], remain[uint32]},
	asm.SDiv: {
		func(x, y uint64) uint64 { return uint64(divide(int64(x), int64(y))) },
		func(x, y uint32) uint32 { return uint32(divide(int32(x), int32(y))) },
	},
	asm.SMod: {
		func(x, y uint64) uint64 { return uint64(remain(int64(x), int64(y))) },
		func(x, y uint32) uint32 { return uint32(remain(int32(x), int32(y))) },
	},
}

type integer interface {
	uint32 | uint64 | int32 | int64
}

func divide[T integer](x, y T) T {
	if y == 0 {
		return 0
	}
	return x / y
}

func remain[T integer](x, y T) T {
	if y == 0 {
		return x
	}
	return x % y
}

// operands draws numbers with a liking for corners.
var operands = rapid.OneOf(
	rapid.Uint64(),
	rapid.SampledFrom([]uint64{0, 1, 31, 32, 63, 64, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 63, ^uint64(0)}),
)

// result runs instructions on R0 = x and R1 = y.
func result(t testing.TB, rt *rapid.T, x, y uint64, insns ...asm.Instruction) uint64 {
	p := parse(t, "x", asm.LoadImm(asm.R0, int64(x), asm.DWord), asm.LoadImm(asm.R1, int64(y), asm.DWord),
		asm.Instructions(insns), asm.Return())
	o, err := Run(p, worldOf(&jit.V510, nil))
	if err != nil {
		rt.Fatal(err)
	}
	return o.R0
}

func TestArithmeticIsThatOfGo(t *testing.T) {
	for op, want := range goALU {
		t.Run(op.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				x, y := operands.Draw(rt, "x"), operands.Draw(rt, "y")
				if got, want := result(t, rt, x, y, op.Reg(asm.R0, asm.R1)), want.wide(x, y); got != want {
					rt.Errorf("64 bits: %#x, want %#x", got, want)
				}
				narrow := uint64(want.narrow(uint32(x), uint32(y)))
				if got := result(t, rt, x, y, op.Reg32(asm.R0, asm.R1)); got != narrow {
					rt.Errorf("32 bits: %#x, want %#x", got, narrow)
				}
				imm := int32(y)
				if got, want := result(t, rt, x, 0, op.Imm(asm.R0, imm)), want.wide(x, uint64(int64(imm))); got != want {
					rt.Errorf("64 bits, constant: %#x, want %#x", got, want)
				}
				if got := result(t, rt, x, 0, op.Imm32(asm.R0, imm)); got != narrow {
					rt.Errorf("32 bits, constant: %#x, want %#x", got, narrow)
				}
			})
		})
	}
}

// TestDivisionsByCorners says in numbers what RFC 9669 says of the cases that machines trap on.
func TestDivisionsByCorners(t *testing.T) {
	const least32, least64 = 1 << 31, 1 << 63
	minus := func(n uint64) uint64 { return -n }
	for _, tt := range []struct {
		ins        asm.Instruction
		x, y, want uint64
	}{
		{asm.Div.Reg(asm.R0, asm.R1), 7, 0, 0},
		{asm.SDiv.Reg(asm.R0, asm.R1), minus(7), 0, 0},
		{asm.Mod.Reg(asm.R0, asm.R1), 7, 0, 7},
		{asm.SMod.Reg(asm.R0, asm.R1), minus(7), 0, minus(7)},
		{asm.SDiv.Reg32(asm.R0, asm.R1), minus(7), 1 << 32, 0},
		{asm.SMod.Reg32(asm.R0, asm.R1), minus(7), 1 << 32, 0xfffffff9},
		{asm.SDiv.Reg(asm.R0, asm.R1), least64, minus(1), least64},
		{asm.SMod.Reg(asm.R0, asm.R1), least64, minus(1), 0},
		{asm.SDiv.Reg32(asm.R0, asm.R1), least32, 0xffffffff, least32},
		{asm.SMod.Reg32(asm.R0, asm.R1), least32, 0xffffffff, 0},
		{asm.SDiv.Imm(asm.R0, -1), least64, 0, least64},
		{asm.SMod.Imm32(asm.R0, -1), least32, 0, 0},
		{asm.SDiv.Reg(asm.R0, asm.R1), minus(13), 4, minus(3)}, // towards zero
		{asm.SMod.Reg(asm.R0, asm.R1), minus(13), 3, minus(1)}, // the sign of the dividend
		{asm.SMod.Reg(asm.R0, asm.R1), 13, minus(3), 1},
		{asm.SDiv.Reg32(asm.R0, asm.R1), 0xfffffff3, 4, 0xfffffffd}, // the upper half is zero
	} {
		rapid.Check(t, func(rt *rapid.T) {
			if got := result(t, rt, tt.x, tt.y, tt.ins); got != tt.want {
				rt.Errorf("%v of %#x, %#x: %#x, want %#x", tt.ins, tt.x, tt.y, got, tt.want)
			}
		})
	}
}

func TestSignedMovesAndLoads(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := operands.Draw(rt, "x")
		wide := map[asm.Size]uint64{
			asm.Byte: uint64(int64(int8(x))), asm.Half: uint64(int64(int16(x))), asm.Word: uint64(int64(int32(x))),
		}
		ops := map[asm.Size]asm.ALUOp{asm.Byte: asm.MovSX8, asm.Half: asm.MovSX16, asm.Word: asm.MovSX32}
		for size, want := range wide {
			if got := result(t, rt, ^x, x, ops[size].Reg(asm.R0, asm.R1)); got != want {
				rt.Errorf("move of %d bytes: %#x, want %#x", size.Sizeof(), got, want)
			}
			got := result(t, rt, x, 0, asm.StoreMem(asm.R10, -8, asm.R0, asm.DWord), asm.LoadMemSX(asm.R0, asm.R10, -8, size))
			if got != want {
				rt.Errorf("load of %d bytes: %#x, want %#x", size.Sizeof(), got, want)
			}
			if size == asm.Word {
				continue
			}
			if got := result(t, rt, ^x, x, ops[size].Reg32(asm.R0, asm.R1)); got != uint64(uint32(want)) {
				rt.Errorf("move of %d bytes to 32 bits: %#x, want %#x", size.Sizeof(), got, uint32(want))
			}
		}
	})
}

// TestAtomicsAreThoseOfGo runs every atomic operation, on both sizes, and looks at memory, R0 and
// the source register hold afterwards.
func TestAtomicsAreThoseOfGo(t *testing.T) {
	for op, apply := range map[asm.AtomicOp]func(was, src, r0 uint64) uint64{
		asm.AddAtomic: func(was, src, _ uint64) uint64 { return was + src },
		asm.FetchAdd:  func(was, src, _ uint64) uint64 { return was + src },
		asm.AndAtomic: func(was, src, _ uint64) uint64 { return was & src },
		asm.FetchAnd:  func(was, src, _ uint64) uint64 { return was & src },
		asm.OrAtomic:  func(was, src, _ uint64) uint64 { return was | src },
		asm.FetchOr:   func(was, src, _ uint64) uint64 { return was | src },
		asm.XorAtomic: func(was, src, _ uint64) uint64 { return was ^ src },
		asm.FetchXor:  func(was, src, _ uint64) uint64 { return was ^ src },
		asm.Xchg:      func(_, src, _ uint64) uint64 { return src },
		asm.CmpXchg: func(was, src, r0 uint64) uint64 {
			if was == r0 {
				return src
			}
			return was
		},
	} {
		t.Run(op.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				was, src := operands.Draw(rt, "was"), operands.Draw(rt, "src")
				r0 := rapid.SampledFrom([]uint64{was, src, 5}).Draw(rt, "r0")
				for _, size := range []asm.Size{asm.Word, asm.DWord} {
					checkAtomic(t, rt, op, size, was, src, r0, apply)
				}
			})
		})
	}
}

func checkAtomic(t *testing.T, rt *rapid.T, op asm.AtomicOp, size asm.Size, was, src, r0 uint64, apply func(was, src, r0 uint64) uint64) {
	mask := ^uint64(0) >> (64 - 8*size.Sizeof())
	memory := was&^mask | apply(was&mask, src&mask, r0&mask)&mask
	source, result0 := src, r0
	switch op {
	case asm.FetchAdd, asm.FetchAnd, asm.FetchOr, asm.FetchXor, asm.Xchg:
		source = was & mask
	case asm.CmpXchg:
		result0 = was & mask
	}
	run := func(last asm.Instruction) uint64 {
		return result(t, rt, r0, src,
			asm.LoadImm(asm.R2, int64(was), asm.DWord), asm.StoreMem(asm.R10, -8, asm.R2, asm.DWord),
			op.Mem(asm.R10, asm.R1, size, -8), last)
	}
	if got := run(asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord)); got != memory {
		rt.Errorf("%d bytes: memory %#x, want %#x", size.Sizeof(), got, memory)
	}
	if got := run(asm.Mov.Reg(asm.R0, asm.R1)); got != source {
		rt.Errorf("%d bytes: source %#x, want %#x", size.Sizeof(), got, source)
	}
	if got := run(asm.Mov.Reg(asm.R2, asm.R0)); got != result0 {
		rt.Errorf("%d bytes: r0 %#x, want %#x", size.Sizeof(), got, result0)
	}
}

func TestAcquireAndRelease(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := operands.Draw(rt, "x")
		for _, size := range []asm.Size{asm.Byte, asm.Half, asm.Word, asm.DWord} {
			mask := ^uint64(0) >> (64 - 8*size.Sizeof())
			got := result(t, rt, x, 0, asm.StoreMem(asm.R10, -8, asm.R0, asm.DWord), asm.LoadAcquire(asm.R0, asm.R10, size, -8))
			if want := x & mask; got != want {
				rt.Errorf("load of %d bytes: %#x, want %#x", size.Sizeof(), got, want)
			}
			got = result(t, rt, x, ^uint64(0), asm.StoreMem(asm.R10, -8, asm.R1, asm.DWord),
				asm.StoreRelease(asm.R10, asm.R0, size, -8), asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord))
			if want := ^mask | x&mask; got != want {
				rt.Errorf("store of %d bytes: %#x, want %#x", size.Sizeof(), got, want)
			}
		}
	})
}

func TestConditionsAreThoseOfGo(t *testing.T) {
	wide := map[asm.JumpOp]func(x, y uint64) bool{
		asm.JEq:  func(x, y uint64) bool { return x == y },
		asm.JNE:  func(x, y uint64) bool { return x != y },
		asm.JSet: func(x, y uint64) bool { return x&y != 0 },
		asm.JGT:  func(x, y uint64) bool { return x > y },
		asm.JGE:  func(x, y uint64) bool { return x >= y },
		asm.JLT:  func(x, y uint64) bool { return x < y },
		asm.JLE:  func(x, y uint64) bool { return x <= y },
		asm.JSGT: func(x, y uint64) bool { return int64(x) > int64(y) },
		asm.JSGE: func(x, y uint64) bool { return int64(x) >= int64(y) },
		asm.JSLT: func(x, y uint64) bool { return int64(x) < int64(y) },
		asm.JSLE: func(x, y uint64) bool { return int64(x) <= int64(y) },
	}
	signed := map[asm.JumpOp]bool{asm.JSGT: true, asm.JSGE: true, asm.JSLT: true, asm.JSLE: true}
	for op, want := range wide {
		t.Run(op.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				x, y := operands.Draw(rt, "x"), operands.Draw(rt, "y")
				decide := func(jump asm.Instruction) bool {
					return result(t, rt, x, y, jump, asm.Mov.Imm(asm.R0, 0), asm.Return(),
						asm.Mov.Imm(asm.R0, 1).WithSymbol("yes")) == 1
				}
				if got := decide(op.Reg(asm.R0, asm.R1, "yes")); got != want(x, y) {
					rt.Errorf("64 bits: %t", got)
				}
				if got := decide(op.Imm(asm.R0, int32(y), "yes")); got != want(x, uint64(int64(int32(y)))) {
					rt.Errorf("64 bits, constant: %t", got)
				}
				a, b := uint64(uint32(x)), uint64(uint32(y))
				if signed[op] {
					a, b = uint64(int64(int32(x))), uint64(int64(int32(y)))
				}
				if got := decide(op.Reg32(asm.R0, asm.R1, "yes")); got != want(a, b) {
					rt.Errorf("32 bits: %t", got)
				}
			})
		})
	}
}

func TestByteOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := operands.Draw(rt, "x")
		for size, reversed := range map[asm.Size]uint64{
			asm.Half:  uint64(bits.ReverseBytes16(uint16(x))),
			asm.Word:  uint64(bits.ReverseBytes32(uint32(x))),
			asm.DWord: bits.ReverseBytes64(x),
		} {
			kept := x << (64 - 8*size.Sizeof()) >> (64 - 8*size.Sizeof())
			for name, tt := range map[string]struct {
				ins  asm.Instruction
				want uint64
			}{
				"to big endian":    {asm.HostTo(asm.BE, asm.R0, size), reversed},
				"to little endian": {asm.HostTo(asm.LE, asm.R0, size), kept},
				"swap":             {asm.BSwap(asm.R0, size), reversed},
			} {
				if got := result(t, rt, x, 0, tt.ins); got != tt.want {
					rt.Errorf("%s of %d bytes: %#x, want %#x", name, size.Sizeof(), got, tt.want)
				}
			}
		}
	})
}

func TestNegation(t *testing.T) {
	neg := func(op asm.OpCode) asm.Instruction { return asm.Instruction{OpCode: op, Dst: asm.R0} }
	rapid.Check(t, func(rt *rapid.T) {
		x := operands.Draw(rt, "x")
		if got := result(t, rt, x, 0, neg(asm.Neg.Op(asm.ImmSource))); got != -x {
			rt.Errorf("64 bits: %#x", got)
		}
		if got := result(t, rt, x, 0, neg(asm.Neg.Op32(asm.ImmSource))); got != uint64(-uint32(x)) {
			rt.Errorf("32 bits: %#x", got)
		}
	})
}

func TestMemoryIsLittleEndian(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := operands.Draw(rt, "x")
		for _, size := range []asm.Size{asm.Byte, asm.Half, asm.Word, asm.DWord} {
			want := x << (64 - 8*size.Sizeof()) >> (64 - 8*size.Sizeof())
			got := result(t, rt, x, 0,
				asm.StoreMem(asm.R10, -8, asm.R0, asm.DWord), asm.LoadMem(asm.R0, asm.R10, -8, size))
			if got != want {
				rt.Errorf("%d bytes: %#x, want %#x", size.Sizeof(), got, want)
			}
		}
	})
}

// TestUnknownMinus: an unknown number is no address after something was taken from it, and an operation
// that there is not has no result.
func TestUnknownMinus(t *testing.T) {
	for _, y := range []value{num(3), {kind: anything}} {
		if v, err := pointerArith(asm.Sub, value{kind: anything}, y, true); err != nil || v != (value{kind: anything}) {
			t.Errorf("less %+v: %+v, %v", y, v, err)
		}
	}
	if v, err := pointerArith(asm.And, value{kind: inStack}, value{kind: anything}, true); err == nil && v.loose {
		t.Errorf("an address and a mask: %+v", v)
	}
	if v, err := alu64(asm.ALUOp(0xfff0), 1, 2); err == nil {
		t.Errorf("an unknown operation comes to %d", v)
	}
}
