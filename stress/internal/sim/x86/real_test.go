//go:build linux && amd64

package x86

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// Where things are in the context of a block that runs on a real CPU.
const (
	regsIn   = 0
	regsOut  = 128
	flagsOut = 256
	cells    = 512 // what the block's memory operands address
	ctxSize  = 1024

	frame = 7 * 8 // pushed in front of the block
)

// rig runs blocks of machine code on this machine's CPU.
type rig struct {
	arena *exec.Arena
	pool  *exec.Pool
	ctxAt uint64
	sp    uint64 // stack pointer at the beginning of a block
}

func newRig(t testing.TB) *rig {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip("no real CPU to compare with: ", err)
	}
	r := &rig{}
	var err error
	if r.arena, err = exec.NewArena(1 << 20); err != nil {
		t.Fatal(err)
	}
	if r.pool, err = exec.NewPool(exec.PoolConfig{Threads: 1, Ctx: make([]byte, ctxSize), Outcomes: []uint64{0}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.pool.Close(); err != nil {
			t.Error(err)
		}
		if err := r.arena.Close(); err != nil {
			t.Error(err)
		}
	})
	r.ctxAt = r.call(t, []byte{0x48, 0x89, 0xf8, 0xc3})      // mov rax, rdi; ret
	r.sp = r.call(t, []byte{0x48, 0x89, 0xe0, 0xc3}) - frame // mov rax, rsp; ret
	return r
}

// call runs code at the arena's start and returns what it returns.
func (r *rig) call(t testing.TB, code []byte) uint64 {
	t.Helper()
	r.arena.Write(0, code)
	exec.SyncCore()
	r.pool.SetEntries([]uint64{r.arena.Addr(0)})
	RAX, err := r.pool.Run(1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return RAX
}

// real runs a block between code that loads all registers from the context and stores them
// there. The block leaves the stack as it was.
func (r *rig) real(t testing.TB, block, ctx []byte) []byte {
	t.Helper()
	code := prologue()
	code = append(code, block...)
	code = append(code, epilogue()...)
	r.pool.SetContext(ctx)
	if RAX := r.call(t, code); RAX != 0 {
		t.Fatalf("block % x returns %#x: %+v", block, RAX, r.pool.Anomalies())
	}
	for _, a := range r.pool.Anomalies() {
		t.Fatalf("block % x: %+v", block, a)
	}
	return r.pool.Context(0)
}

// indexed is an instruction on [rdi+disp32] and register n.
func indexed(code []byte, opcode byte, n, disp int) []byte {
	code = append(code, 0x48|byte(n>>3)<<2, opcode, 0x87|byte(n&7)<<3)
	return binary.LittleEndian.AppendUint32(code, uint32(disp))
}

func prologue() []byte {
	code := []byte{0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x57} // push rbx rbp r12-r15 rdi
	for n := range 16 {
		if r := Reg(n); r != RSP && r != RDI {
			code = indexed(code, 0x8b, n, regsIn+8*n) // mov r, [rdi+in]
		}
	}
	return indexed(code, 0x8b, int(RDI), regsIn+8*int(RDI))
}

func epilogue() []byte {
	code := []byte{0x57, 0x48, 0x8b, 0x7c, 0x24, 0x08} // push rdi; mov rdi, [rsp+8]
	for n := range 16 {
		if r := Reg(n); r != RSP && r != RDI {
			code = indexed(code, 0x89, n, regsOut+8*n) // mov [rdi+out], r
		}
	}
	code = append(code, 0x58) // pop rax
	code = indexed(code, 0x89, int(RAX), regsOut+8*int(RDI))
	code = append(code, 0x9c, 0x58) // pushfq; pop rax
	code = indexed(code, 0x89, int(RAX), flagsOut)
	return append(code, 0x5f, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0x31, 0xc0, 0xc3) // pops; xor eax, eax; ret
}

// simulated runs the same block on the same state at the same addresses.
func (r *rig) simulated(t testing.TB, block, ctx []byte) (*Core, []byte) {
	t.Helper()
	const size = 2048
	ctx = append([]byte(nil), ctx...)
	at := r.arena.Addr(exec.Off(len(prologue())))
	c := &Core{RIP: at, Mem: Memory{
		Stack: Region{r.sp - size, make([]byte, size+frame)}, Own: Region{r.ctxAt, ctx}, Rest: nothing,
	}}
	for n := range c.Regs {
		c.Regs[n] = binary.LittleEndian.Uint64(ctx[regsIn+8*n:])
	}
	c.Regs[RSP] = r.sp
	for range 1000 {
		off := c.RIP - at
		if off == uint64(len(block)) {
			return c, ctx
		}
		if off > uint64(len(block)) {
			t.Fatalf("block % x: jumps to +%#x", block, off)
		}
		i := Decode(block[off:])
		if !i.Valid() {
			t.Fatalf("block % x: nothing known at +%#x", block, off)
		}
		if err := c.Step(&i); err != nil {
			t.Fatalf("block % x: +%#x: %v", block, off, err)
		}
	}
	t.Fatalf("block % x: does not end", block)
	return nil, nil
}

// same holds the two against each other.
func (r *rig) same(t testing.TB, name string, block, ctx []byte) {
	t.Helper()
	got, mem := r.simulated(t, block, ctx)
	want := r.real(t, block, ctx)
	for n := range got.Regs {
		w := binary.LittleEndian.Uint64(want[regsOut+8*n:])
		if Reg(n) == RSP {
			w = r.sp
		}
		if got.Regs[n] != w {
			t.Errorf("%s: % x: %v = %#x, the CPU has %#x", name, block, Reg(n), got.Regs[n], w)
		}
	}
	for i := cells; i < ctxSize; i++ {
		if mem[i] != want[i] {
			t.Errorf("%s: % x: memory +%#x = %#x, the CPU has %#x", name, block, i-cells, mem[i], want[i])
			break
		}
	}
	if f := binary.LittleEndian.Uint64(want[flagsOut:]); got.Flags&known != 0 && got.Flags != flagsOf(f) {
		t.Errorf("%s: % x: flags %04b, the CPU has %04b", name, block, got.Flags&^known, flagsOf(f)&^known)
	}
	if t.Failed() {
		t.Fatalf("from context % x", ctx)
	}
}

// flagsOf picks out of rflags what is modelled.
func flagsOf(v uint64) Flags {
	f := known
	for i, bit := range []int{0, 6, 7, 11} { // carry, zero, sign, overflow
		if v>>bit&1 != 0 {
			f |= 1 << i
		}
	}
	return f
}

// random is a state with what breaks arithmetic more often than chance would have it.
func (r *rig) random(rng *rand.Rand, bases ...Reg) []byte {
	ctx := make([]byte, ctxSize)
	word := func() uint64 {
		v := rng.Uint64()
		switch rng.IntN(8) {
		case 0:
			v = 0
		case 1:
			v = ^uint64(0)
		case 2:
			v = 1 << rng.IntN(64)
		case 3:
			v = 1<<rng.IntN(64) - 1
		case 4:
			v &= 0xff
		case 5:
			v = uint64(int64(int8(v)))
		}
		return v
	}
	for i := 0; i < ctxSize; i += 8 {
		binary.LittleEndian.PutUint64(ctx[i:], word())
	}
	if rng.IntN(4) == 0 { // equal operands
		copy(ctx[regsIn+8*int(RDX):][:8], ctx[regsIn+8*int(R13):])
		copy(ctx[cells+256:][:8], ctx[regsIn:])
	}
	for _, b := range bases {
		at := r.ctxAt + cells + uint64(rng.IntN(16))*8 + 128
		binary.LittleEndian.PutUint64(ctx[regsIn+8*int(b):], at)
	}
	return ctx
}

var ebpfRegs = []Reg{asm.R0: RAX, asm.R1: RDI, asm.R2: RSI, asm.R3: RDX, asm.R4: RCX, asm.R5: R8, asm.R6: RBX, asm.R7: R13, asm.R8: R14, asm.R9: R15, asm.R10: RBP}

// TestEveryEmittedFormAsTheCPU executes what the compiler makes of every eBPF instruction that
// it accepts, with all kinds of operands.
func TestEveryEmittedFormAsTheCPU(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it that the race detector could see, and it takes seconds")
	}
	r := newRig(t)
	rng := rand.New(rand.NewPCG(1, 2))
	bmi := jit.V612
	bmi.ShiftX = true
	blocks, opcodes := map[string]bool{}, map[asm.OpCode]bool{} // most layouts make the same of most of them
	for _, ins := range everyInstruction(rng) {
		p := accepted(&ins)
		if p == nil {
			continue
		}
		for _, l := range []*jit.Layout{&jit.V612, &bmi, &jit.V510, &jit.V70} {
			img, err := jit.Compile(p, jit.Options{Layout: l})
			if err != nil {
				t.Fatal(err)
			}
			if len(img.Refs) > 0 {
				continue // a call: TestSequencesAsTheCPU
			}
			var bases []Reg
			switch ins.OpCode.Class() {
			case asm.LdXClass:
				bases = append(bases, ebpfRegs[ins.Src])
			case asm.StClass:
				bases = append(bases, ebpfRegs[ins.Dst])
			case asm.StXClass:
				bases = append(bases, ebpfRegs[ins.Dst], ebpfRegs[ins.Src])
			}
			end := img.Insns[1]
			if ins.OpCode.Class().IsJump() {
				end = img.Insns[2] // what it jumps over, or not
			}
			block := img.Code[img.Insns[0]:end]
			opcodes[ins.OpCode] = true
			if blocks[string(block)] {
				continue
			}
			blocks[string(block)] = true
			for range 4 {
				r.same(t, fmt.Sprint(ins), block, r.random(rng, bases...))
			}
		}
	}
	t.Logf("%d blocks of %d opcodes, 4 states each", len(blocks), len(opcodes))
	const all = 66 + 46 + 15 + 28 + 1 // arithmetic, jumps, loads and stores, atomic ones, the wide load
	if len(opcodes) != all {
		t.Errorf("%d opcodes were executed, want %d", len(opcodes), all)
	}
}

// accepted is a program with the instruction in it, with fields zero that are reserved; nil if
// there is none.
func accepted(ins *asm.Instruction) *jit.Program {
	full := *ins
	for reserved := range 8 {
		if *ins = full; reserved&1 != 0 {
			ins.Src = 0
		}
		if reserved&2 != 0 {
			ins.Constant = 0
		}
		if reserved&4 != 0 {
			ins.Dst = 0
		}
		p, err := jit.Parse("x", asm.Instructions{*ins, asm.Mov.Imm(asm.R0, 1), asm.Return(), asm.Mov.Imm(asm.R0, 2), asm.Return()})
		if err == nil {
			return p
		}
	}
	return nil
}

// everyInstruction has several instructions of every opcode, valid or not, that could do
// something inside of a block.
func everyInstruction(rng *rand.Rand) asm.Instructions {
	var out asm.Instructions
	for low := range asm.OpCode(0x100) {
		class := low.Class()
		if low == 0x85 || low == 0x8d || low == 0x95 || class == asm.LdClass && low != 0x18 {
			continue // calls, exit, loads from packets
		}
		extensions := []asm.OpCode{0}
		switch {
		case class == asm.StXClass:
			for x := range asm.OpCode(0x200) {
				extensions = append(extensions, x<<8)
			}
		case class.IsALU():
			extensions = []asm.OpCode{0, 0x100, 0x200, 0x300}
		}
		for _, x := range extensions {
			for n := range 4 {
				ins := asm.Instruction{OpCode: low | x, Dst: asm.Register(rng.IntN(10)), Src: asm.Register(rng.IntN(10)), Constant: constant(rng)}
				switch {
				case ins.OpCode.ALUOp() == asm.Swap && class.IsALU():
					ins.Constant = 16 << (n % 3)
				case low == 0x06:
					ins.Constant = 1
				case class.IsJump():
					ins.Offset = 1
				case low == 0x18:
					ins.Src, ins.Constant = 0, int64(rng.Uint64())>>rng.IntN(64)
				case !class.IsALU():
					ins.Offset = int16(rng.IntN(16)) * 8
				}
				out = append(out, ins)
			}
		}
	}
	return out
}

func constant(rng *rand.Rand) int64 {
	return []int64{0, 1, -1, 5, 127, 128, -128, -129, 1 << 30, -1 << 31, int64(int32(rng.Uint32()))}[rng.IntN(11)]
}
