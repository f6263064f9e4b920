package identity

import (
	"fmt"
	"math/rand/v2"

	"github.com/cilium/ebpf/asm"
)

// A purpose says what random programs may contain.
type purpose uint8

const (
	withHelpers purpose = iota // whatever compiles
	predictable                // only what the interpreter can say the result of
	alone                      // of that, only what needs no map
)

// randomProgram writes a program that the verifier accepts, most of the time. Its scalars hold
// numbers throughout, R6 the context; the stack is written before it is read. What it
// returns depends on all registers.
func randomProgram(seed, n uint64, p purpose) asm.Instructions {
	g := &generator{r: rand.New(rand.NewPCG(seed, n)), purpose: p}
	g.depth = int16(8 * (1 + g.r.IntN(16)))
	subs := g.r.IntN(3)
	for i := range subs {
		g.callable = append(g.callable, fmt.Sprintf("sub%d", i))
	}
	main := g.function(30 + g.r.IntN(60))
	for i := range subs {
		g.callable = g.callable[1:] // functions call later ones alone
		g.depth = int16(8 * (1 + g.r.IntN(4)))
		sub := g.function(5 + g.r.IntN(25))
		sub[0] = sub[0].WithSymbol(fmt.Sprintf("sub%d", i))
		main = append(main, sub...)
	}
	return describe(main)
}

// A generator writes one program.
type generator struct {
	r        *rand.Rand
	purpose  purpose
	insns    asm.Instructions
	labels   int
	jumps    int
	calls    int
	depth    int16    // of the stack
	callable []string // functions that may be called from here
	counter  bool     // R9 counts a loop
}

func (g *generator) add(insns ...asm.Instruction) { g.insns = append(g.insns, insns...) }

// function writes one function of about n instructions.
func (g *generator) function(n int) asm.Instructions {
	g.insns, g.jumps, g.calls, g.counter = nil, 0, 0, false
	g.add(unknowns()...)
	for off := int16(8); off <= g.depth; off += 8 {
		g.add(asm.StoreMem(asm.R10, -off, g.scalar(), asm.DWord))
	}
	for len(g.insns) < n {
		g.block()
	}
	if len(g.callable) > 0 { // the verifier rejects functions that are never called
		g.callLocal(g.callable[0])
	}
	g.fold()
	return g.insns
}

// fold makes R0 of all scalars, and its lower half of both halves.
func (g *generator) fold() {
	for _, r := range scalars[1:] {
		g.add(asm.Mul.Imm(asm.R0, 0x9e3779b1-1<<32+0), asm.Add.Reg(asm.R0, r))
	}
	for off := int16(8); off <= g.depth; off += 8 {
		g.add(asm.LoadMem(asm.R1, asm.R10, -off, asm.DWord), asm.Mul.Imm(asm.R0, 31),
			asm.Add.Reg(asm.R0, asm.R1))
	}
	g.add(asm.Mov.Reg(asm.R1, asm.R0), asm.RSh.Imm(asm.R1, 32), asm.Xor.Reg(asm.R0, asm.R1),
		asm.Return())
}

func (g *generator) scalar() asm.Register {
	n := len(scalars)
	if g.counter {
		n--
	}
	return scalars[g.r.IntN(n)]
}

func (g *generator) constant() int32 {
	if g.r.IntN(2) == 0 {
		return corners[g.r.IntN(len(corners))]
	}
	return int32(g.r.Uint32()) >> g.r.IntN(32)
}

func (g *generator) size() asm.Size { return sizes[g.r.IntN(len(sizes))] }

func (g *generator) label() string {
	g.labels++
	return fmt.Sprintf("l%d", g.labels)
}

// block writes one instruction, or a few that belong together.
func (g *generator) block() {
	switch k := g.r.IntN(40); {
	case k < 18:
		g.alu()
	case k < 28:
		g.memory()
	case k < 30:
		g.add(asm.LoadImm(g.scalar(), int64(g.r.Uint64())>>g.r.IntN(64), asm.DWord))
	case k < 32:
		g.add(asm.LoadMem(g.scalar(), asm.R6, ctxWords[g.r.IntN(len(ctxWords))], asm.Word))
	case k < 33:
		g.add(asm.StoreMem(asm.R6, ctxWords[2+g.r.IntN(5)], g.scalar(), asm.Word))
	case k < 37:
		g.branch()
	case k < 38:
		g.loop()
	default:
		g.call()
	}
}

func (g *generator) alu() {
	dst, src, v := g.scalar(), g.scalar(), g.constant()
	op := aluOps[g.r.IntN(len(aluOps))]
	wide, byReg := g.r.IntN(2) == 0, g.r.IntN(2) == 0
	switch op {
	case asm.MovSX8, asm.MovSX16:
		byReg = true
	case asm.MovSX32:
		wide, byReg = true, true
	case asm.LSh, asm.RSh, asm.ArSh:
		v &= 31
	case asm.Div, asm.SDiv, asm.Mod, asm.SMod:
		if v == 0 {
			v = 3
		}
	}
	switch g.r.IntN(12) {
	case 0:
		g.add(asm.HostTo([]asm.Endianness{asm.BE, asm.LE}[g.r.IntN(2)], dst, sizes[1+g.r.IntN(3)]))
		return
	case 1:
		g.add(asm.BSwap(dst, sizes[1+g.r.IntN(3)]))
		return
	case 2:
		code := []asm.OpCode{asm.Neg.Op(asm.ImmSource), asm.Neg.Op32(asm.ImmSource)}[g.r.IntN(2)]
		g.add(asm.Instruction{OpCode: code, Dst: dst})
		return
	}
	switch {
	case wide && byReg:
		g.add(op.Reg(dst, src))
	case wide:
		g.add(op.Imm(dst, v))
	case byReg:
		g.add(op.Reg32(dst, src))
	default:
		g.add(op.Imm32(dst, v))
	}
}

// memory accesses the stack, at an offset that the access is aligned to.
func (g *generator) memory() {
	size, r := g.size(), g.scalar()
	off := -int16(g.r.IntN(int(g.depth)/size.Sizeof())+1) * int16(size.Sizeof())
	switch g.r.IntN(7) {
	case 0:
		g.add(asm.LoadMem(r, asm.R10, off, size))
	case 1:
		g.add(asm.StoreMem(asm.R10, off, r, size))
	case 2:
		g.add(asm.Instruction{OpCode: asm.StoreImmOp(size), Dst: asm.R10, Offset: off,
			Constant: int64(g.constant())})
	case 3:
		if size != asm.DWord {
			g.add(asm.LoadMemSX(r, asm.R10, off, size))
		}
	case 4:
		g.add(atomic(asm.LoadAcquire(r, asm.R10, size, off)))
	case 5:
		g.add(atomic(asm.StoreRelease(asm.R10, r, size, off)))
	default:
		if size == asm.Word || size == asm.DWord {
			g.atomic(atomicOps[g.r.IntN(len(atomicOps))], size, r, off)
		}
	}
}

// atomic writes an atomic operation. So that results can be compared, it keeps clear of two
// faults of the verifier of 6.18. It loses track of what a fetching operation reads from the
// stack (see TestFetchFromStack), and may then delete code that runs: every path brings the
// same unknown there. It may not notice that the upper half of what a compare and exchange of
// 32 bits gives is read (see TestUpperHalfOfCmpXchg), and then does not clear it: the next
// instruction reads it, on every path, and leaves it for later ones to see.
func (g *generator) atomic(op asm.AtomicOp, size asm.Size, r asm.Register, off int16) {
	compared := g.purpose != withHelpers
	if compared && isFetch(op) {
		g.add(asm.LoadMem(r, asm.R6, ctxWords[g.r.IntN(len(ctxWords))], asm.Word),
			asm.StoreMem(asm.R10, off&^7, r, asm.DWord))
	}
	g.add(atomic(op.Mem(asm.R10, r, size, off)))
	if compared && op == asm.CmpXchg && size == asm.Word {
		g.add(asm.Mov.Reg(asm.R0, asm.R0))
	}
}

// isFetch says whether an atomic operation gives what was in memory.
func isFetch(op asm.AtomicOp) bool { return op&(asm.FetchAdd&^asm.AddAtomic) != 0 }

// branch writes a jump over a few instructions, at times with an alternative after an
// unconditional jump.
func (g *generator) branch() {
	const most = 8 // paths that do not meet again multiply
	if g.jumps++; g.jumps > most {
		return
	}
	op, out := jumpOps[g.r.IntN(len(jumpOps))], g.label()
	dst, src, v := g.scalar(), g.scalar(), g.constant()
	g.add([]asm.Instruction{op.Reg(dst, src, out), op.Reg32(dst, src, out), op.Imm(dst, v, out),
		op.Imm32(dst, v, out)}[g.r.IntN(4)])
	g.straight(1 + g.r.IntN(6))
	if g.r.IntN(3) == 0 {
		end := g.label()
		g.add([]asm.Instruction{asm.Ja.Label(end), asm.LongJump(end)}[g.r.IntN(2)])
		g.add(asm.Mov.Imm(g.scalar(), v).WithSymbol(out))
		g.straight(1 + g.r.IntN(6))
		out = end
	}
	g.add(asm.Xor.Imm(g.scalar(), 1).WithSymbol(out))
}

// straight writes n blocks without jumps.
func (g *generator) straight(n int) {
	for range n {
		if g.r.IntN(3) == 0 {
			g.memory()
			continue
		}
		g.alu()
	}
}

// loop goes round a few times.
func (g *generator) loop() {
	if g.counter || g.jumps > 6 {
		return
	}
	g.counter = true
	top := g.label()
	g.add(asm.Mov.Imm(asm.R9, int32(1+g.r.IntN(4))), asm.Mov.Imm(g.scalar(), 5).WithSymbol(top))
	g.straight(1 + g.r.IntN(20))
	g.add(asm.Sub.Imm(asm.R9, 1), asm.JNE.Imm(asm.R9, 0, top))
	g.counter = false
}

// call calls a function, or makes a tail call, and fills the registers that are lost.
func (g *generator) call() {
	if g.calls++; g.calls > 4 {
		return
	}
	switch k := g.r.IntN(4); {
	case k == 0 && len(g.callable) > 0:
		g.callLocal(g.callable[g.r.IntN(len(g.callable))])
		return // filled already
	case k == 1 && g.purpose == withHelpers:
		g.add([]asm.BuiltinFunc{asm.FnKtimeGetNs, asm.FnGetPrandomU32,
			asm.FnGetSmpProcessorId}[g.r.IntN(3)].Call())
	case g.purpose == alone:
		return
	case k == 2 && g.purpose == withHelpers:
		g.tailCall("other", int32(g.r.IntN(400)))
	default:
		g.tailCall("progs", int32(g.r.IntN(6))-2)
	}
	g.refill()
}

// tailCall makes a tail call. After one that is not taken R0 is lost like the others.
func (g *generator) tailCall(m string, key int32) {
	g.add(append(tailCallOf(m, key), asm.Mov.Imm(asm.R0, g.constant()))...)
}

func (g *generator) callLocal(name string) {
	g.add(asm.Mov.Reg(asm.R1, asm.R6), asm.Call.Label(name))
	g.refill()
}

// refill gives the registers that a call loses a number again.
func (g *generator) refill() {
	for r := asm.R1; r <= asm.R5; r++ {
		g.add(asm.LoadMem(r, asm.R6, ctxWords[g.r.IntN(len(ctxWords))], asm.Word))
	}
}
