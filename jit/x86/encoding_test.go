package x86

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// A row is one instruction: what the builder is asked for, what any disassembler must read,
// and the bytes. Text is Intel syntax with the names that x86asm has for things.
type row struct {
	text string
	hex  string
	emit func(b *Builder)
}

var rows = []row{
	{"mov rbp, rsp", "4889e5", func(b *Builder) { b.Mov(W64, RBP, RSP) }},
	{"mov rax, rdi", "4889f8", func(b *Builder) { b.Mov(W64, RAX, RDI) }},
	{"mov r13, rdi", "4989fd", func(b *Builder) { b.Mov(W64, R13, RDI) }},
	{"mov rdi, r15", "4c89ff", func(b *Builder) { b.Mov(W64, RDI, R15) }},
	{"mov eax, edi", "89f8", func(b *Builder) { b.Mov(W32, RAX, RDI) }},
	{"mov r11d, eax", "4189c3", func(b *Builder) { b.Mov(W32, R11, RAX) }},
	{"movzx eax, ax", "0fb7c0", func(b *Builder) { b.Movzx16(RAX) }},
	{"movzx r13d, r13w", "450fb7ed", func(b *Builder) { b.Movzx16(R13) }},

	{"movsx rax, dil", "480fbec7", func(b *Builder) { b.Movsx(W64, W8, RAX, RDI) }},
	{"movsx r13, r14b", "4d0fbeee", func(b *Builder) { b.Movsx(W64, W8, R13, R14) }},
	{"movsx eax, bl", "400fbec3", func(b *Builder) { b.Movsx(W32, W8, RAX, RBX) }},
	{"movsx esi, dil", "400fbef7", func(b *Builder) { b.Movsx(W32, W8, RSI, RDI) }},
	{"movsx r15d, sil", "440fbefe", func(b *Builder) { b.Movsx(W32, W8, R15, RSI) }},
	{"movsx rdx, cx", "480fbfd1", func(b *Builder) { b.Movsx(W64, W16, RDX, RCX) }},
	{"movsx edx, cx", "0fbfd1", func(b *Builder) { b.Movsx(W32, W16, RDX, RCX) }},
	{"movsx edx, r8w", "410fbfd0", func(b *Builder) { b.Movsx(W32, W16, RDX, R8) }},
	{"movsxd rbx, r15d", "4963df", func(b *Builder) { b.Movsx(W64, W32, RBX, R15) }},

	{"xor eax, eax", "31c0", func(b *Builder) { b.MovImm32(RAX, 0) }},
	{"xor r14d, r14d", "4531f6", func(b *Builder) { b.MovImm32(R14, 0) }},
	{"mov edi, 0x2a", "bf2a000000", func(b *Builder) { b.MovImm32(RDI, 42) }},
	{"mov r8d, 0xffffffff", "41b8ffffffff", func(b *Builder) { b.MovImm32(R8, 0xffffffff) }},
	{"mov rax, -0x1", "48c7c0ffffffff", func(b *Builder) { b.MovSigned32(RAX, -1) }},
	{"mov r15, -0x80000000", "49c7c700000080", func(b *Builder) { b.MovSigned32(R15, -1<<31) }},
	{"mov eax, 0x7fffffff", "b8ffffff7f", func(b *Builder) { b.MovSigned32(RAX, 1<<31-1) }},
	{"mov r11, 0xa", "49c7c30a000000", func(b *Builder) { b.MovSigned32Wide(R11, 10) }},
	{"mov esi, 0xffffffff", "beffffffff", func(b *Builder) { b.MovImm64(RSI, 0xffffffff) }},
	{"mov rsi, -0x2", "48c7c6feffffff", func(b *Builder) { b.MovImm64(RSI, ^uint64(1)) }},
	{"mov rsi, 0x1122334455667788", "48be8877665544332211",
		func(b *Builder) { b.MovImm64(RSI, 0x1122334455667788) }},
	{"mov r9, 0x100000000", "49b90000000001000000",
		func(b *Builder) { b.MovImm64(R9, 1<<32) }},

	{"add rax, rdi", "4801f8", func(b *Builder) { b.Op(Add, W64, RAX, RDI) }},
	{"sub ebx, r14d", "4429f3", func(b *Builder) { b.Op(Sub, W32, RBX, R14) }},
	{"and r13, rcx", "4921cd", func(b *Builder) { b.Op(And, W64, R13, RCX) }},
	{"or r15, r15", "4d09ff", func(b *Builder) { b.Op(Or, W64, R15, R15) }},
	{"xor eax, edx", "31d0", func(b *Builder) { b.Op(Xor, W32, RAX, RDX) }},
	{"cmp rdi, rsi", "4839f7", func(b *Builder) { b.Op(Cmp, W64, RDI, RSI) }},
	{"add rax, 0x7f", "4883c07f", func(b *Builder) { b.OpImm(Add, W64, RAX, 127) }},
	{"add rax, 0x80", "480580000000", func(b *Builder) { b.OpImm(Add, W64, RAX, 128) }},
	{"add eax, 0x80", "0580000000", func(b *Builder) { b.OpImm(Add, W32, RAX, 128) }},
	{"add rdi, -0x80", "4883c780", func(b *Builder) { b.OpImm(Add, W64, RDI, -128) }},
	{"add rdi, -0x81", "4881c77fffffff", func(b *Builder) { b.OpImm(Add, W64, RDI, -129) }},
	{"sub eax, 0x12345", "2d45230100", func(b *Builder) { b.OpImm(Sub, W32, RAX, 0x12345) }},
	{"and rax, 0xffff", "4825ffff0000", func(b *Builder) { b.OpImm(And, W64, RAX, 0xffff) }},
	{"or rax, 0x100", "480d00010000", func(b *Builder) { b.OpImm(Or, W64, RAX, 256) }},
	{"xor rax, 0x100", "483500010000", func(b *Builder) { b.OpImm(Xor, W64, RAX, 256) }},
	{"xor r13d, 0x100", "4181f500010000", func(b *Builder) { b.OpImm(Xor, W32, R13, 256) }},
	{"add rsp, 0x0", "4881c400000000", func(b *Builder) { b.OpImm32(Add, W64, RSP, 0) }},
	{"sub rsp, 0x200", "4881ec00020000", func(b *Builder) { b.OpImm32(Sub, W64, RSP, 512) }},
	{"cmp eax, 0x20", "83f820", func(b *Builder) { b.CmpImm(W32, RAX, 32) }},
	{"cmp rax, 0x100", "4881f800010000", func(b *Builder) { b.CmpImm(W64, RAX, 256) }},
	{"cmp r15d, -0x1", "4183ffff", func(b *Builder) { b.CmpImm(W32, R15, -1) }},
	{"test rcx, rcx", "4885c9", func(b *Builder) { b.Test(W64, RCX, RCX) }},
	{"test r13d, edi", "4185fd", func(b *Builder) { b.Test(W32, R13, RDI) }},
	{"test rdi, 0x8", "48f7c708000000", func(b *Builder) { b.TestImm(W64, RDI, 8) }},
	{"test eax, 0x8", "f7c008000000", func(b *Builder) { b.TestImm(W32, RAX, 8) }},
	{"neg rax", "48f7d8", func(b *Builder) { b.Neg(W64, RAX) }},
	{"neg r14d", "41f7de", func(b *Builder) { b.Neg(W32, R14) }},
	{"imul rax, rdi", "480fafc7", func(b *Builder) { b.Imul(W64, RAX, RDI) }},
	{"imul r13d, ecx", "440fafe9", func(b *Builder) { b.Imul(W32, R13, RCX) }},
	{"imul rdi, rdi, 0x7", "486bff07", func(b *Builder) { b.ImulImm(W64, RDI, 7) }},
	{"imul r8d, r8d, 0x3e8", "4569c0e8030000", func(b *Builder) { b.ImulImm(W32, R8, 1000) }},
	{"div r11", "49f7f3", func(b *Builder) { b.Div(W64, R11) }},
	{"div edi", "f7f7", func(b *Builder) { b.Div(W32, RDI) }},
	{"idiv r11", "49f7fb", func(b *Builder) { b.Idiv(W64, R11) }},
	{"idiv edi", "f7ff", func(b *Builder) { b.Idiv(W32, RDI) }},
	{"cqo", "4899", func(b *Builder) { b.SignRDX(W64) }},
	{"cdq", "99", func(b *Builder) { b.SignRDX(W32) }},
	{"shl rax, 0x20", "48c1e020", func(b *Builder) { b.ShiftImm(Shl, W64, RAX, 32) }},
	{"shr r13d, 0x1", "41d1ed", func(b *Builder) { b.ShiftImm(Shr, W32, R13, 1) }},
	{"sar rdi, 0x3", "48c1ff03", func(b *Builder) { b.ShiftImm(Sar, W64, RDI, 3) }},
	{"shl rax, cl", "48d3e0", func(b *Builder) { b.ShiftCL(Shl, W64, RAX) }},
	{"shr r11d, cl", "41d3eb", func(b *Builder) { b.ShiftCL(Shr, W32, R11) }},
	{"shlx rax, rax, rdi", "c4e2c1f7c0", func(b *Builder) { b.ShiftX(Shl, W64, RAX, RDI) }},
	{"shrx r13d, r13d, esi", "c4424bf7ed", func(b *Builder) { b.ShiftX(Shr, W32, R13, RSI) }},
	{"sarx rbx, rbx, r15", "c4e282f7db", func(b *Builder) { b.ShiftX(Sar, W64, RBX, R15) }},
	{"ror ax, 0x8", "66c1c808", func(b *Builder) { b.Ror16(RAX, 8) }},
	{"ror r14w, 0x8", "6641c1ce08", func(b *Builder) { b.Ror16(R14, 8) }},
	{"bswap eax", "0fc8", func(b *Builder) { b.Bswap(W32, RAX) }},
	{"bswap r13", "490fcd", func(b *Builder) { b.Bswap(W64, R13) }},

	{"movzx rax, byte ptr [rdi]", "480fb64700", func(b *Builder) { b.Load(W8, RAX, At(RDI, 0)) }},
	{"movzx r13, word ptr [rbp-0x8]", "4c0fb76df8",
		func(b *Builder) { b.Load(W16, R13, At(RBP, -8)) }},
	{"mov eax, dword ptr [rdi+0x80]", "8b8780000000",
		func(b *Builder) { b.Load(W32, RAX, At(RDI, 128)) }},
	{"mov eax, dword ptr [rbp-0x4]", "8b85fcffffff",
		func(b *Builder) { b.Load(W32, RAX, At32(RBP, -4)) }},
	{"mov rax, qword ptr [rbp-0x10]", "488b85f0ffffff",
		func(b *Builder) { b.Load(W64, RAX, At32(RBP, -16)) }},
	{"mov r14, qword ptr [r13]", "4d8b7500", func(b *Builder) { b.Load(W64, R14, At(R13, 0)) }},
	{"mov rcx, qword ptr [rsi+rdx*8+0x138]", "488b8cd638010000",
		func(b *Builder) { b.LoadIndexed8(RCX, RSI, RDX, 0x138) }},
	{"movsx rax, byte ptr [rdi]", "480fbe4700", func(b *Builder) { b.LoadSigned(W8, RAX, At(RDI, 0)) }},
	{"movsx r13, word ptr [rbp-0x8]", "4c0fbf6df8",
		func(b *Builder) { b.LoadSigned(W16, R13, At(RBP, -8)) }},
	{"movsxd rsi, dword ptr [r15+0x80]", "4963b780000000",
		func(b *Builder) { b.LoadSigned(W32, RSI, At(R15, 128)) }},
	{"lea r14, ptr [rip+0x12345]", "4c8d3545230100", func(b *Builder) { b.LeaRIP(R14, 0x12345) }},
	{"add r8, qword ptr gs:[0x12345]", "654c03042545230100", func(b *Builder) { b.AddGS(R8, 0x12345) }},
	{"sar qword ptr gs:[0x12345], 0x5", "6548c13c254523010005", func(b *Builder) { b.SarGS(0x12345, 5) }},
	{"sar qword ptr gs:[rip+0x12345], 0x5", "6548c13d4523010005",
		func(b *Builder) { b.SarGSRIP(0x12345, 5) }},
	{"cmp qword ptr [rax], 0x21", "48833821", func(b *Builder) { b.OpAtImm8(Cmp, W64, RAX, 33) }},
	{"add qword ptr [rax], 0x1", "48830001", func(b *Builder) { b.OpAtImm8(Add, W64, RAX, 1) }},
	{"mov byte ptr [rbp-0x1], al", "8845ff", func(b *Builder) { b.Store(W8, At(RBP, -1), RAX) }},
	{"mov byte ptr [rbp-0x1], dil", "40887dff", func(b *Builder) { b.Store(W8, At(RBP, -1), RDI) }},
	{"mov byte ptr [r13], bl", "41885d00", func(b *Builder) { b.Store(W8, At(R13, 0), RBX) }},
	{"mov word ptr [rdi+0x2], r8w", "6644894702",
		func(b *Builder) { b.Store(W16, At(RDI, 2), R8) }},
	{"mov dword ptr [rbp-0x4], eax", "8985fcffffff",
		func(b *Builder) { b.Store(W32, At32(RBP, -4), RAX) }},
	{"mov qword ptr [rbp-0x88], r15", "4c89bd78ffffff",
		func(b *Builder) { b.Store(W64, At(RBP, -136), R15) }},
	{"mov qword ptr [rsp], rcx", "48890c24", func(b *Builder) { b.StoreTop(RCX) }},
	{"mov byte ptr [rdi], 0x7", "c6470007", func(b *Builder) { b.StoreImm(W8, At(RDI, 0), 7) }},
	{"mov word ptr [r13+0x2], 0x7", "6641c745020700",
		func(b *Builder) { b.StoreImm(W16, At(R13, 2), 7) }},
	{"mov dword ptr [rbp-0x4], 0x7", "c745fc07000000",
		func(b *Builder) { b.StoreImm(W32, At(RBP, -4), 7) }},
	{"mov qword ptr [rbp-0x8], -0x2", "48c745f8feffffff",
		func(b *Builder) { b.StoreImm(W64, At(RBP, -8), -2) }},
	{"cmp dword ptr [rsi+0x24], edx", "395624",
		func(b *Builder) { b.CmpMem(W32, At(RSI, 0x24), RDX) }},
	{"lock add qword ptr [rdi], rax", "f048014700",
		func(b *Builder) { b.LockOp(Add, W64, At(RDI, 0), RAX) }},
	{"lock and dword ptr [r13+0x4], esi", "f041217504",
		func(b *Builder) { b.LockOp(And, W32, At(R13, 4), RSI) }},
	{"lock xadd qword ptr [rdi+0x8], r14", "f04c0fc17708",
		func(b *Builder) { b.LockXadd(W64, At(RDI, 8), R14) }},
	{"lock xchg dword ptr [rdi], eax", "f0874700",
		func(b *Builder) { b.LockXchg(W32, At(RDI, 0), RAX) }},
	{"lock cmpxchg qword ptr [rbp-0x8], r11", "f04c0fb15df8",
		func(b *Builder) { b.LockCmpxchg(W64, At(RBP, -8), R11) }},

	{"jz .+0x10", "7410", func(b *Builder) { b.JccShort(JE, 16) }},
	{"jnbe .-0x2", "77fe", func(b *Builder) { b.JccShort(JA, -2) }},
	{"jl .+0x12345", "0f8c45230100", func(b *Builder) { b.JccNear(JL, 0x12345) }},
	{"jmp .-0x2", "ebfe", func(b *Builder) { b.JmpShort(-2) }},
	{"jmp .+0xe", "e90e000000", func(b *Builder) { b.JmpNear(14) }},
	{"jmp rcx", "ffe1", func(b *Builder) { b.JmpReg(RCX) }},
	{"call .+0x7", "e807000000", func(b *Builder) { b.Call(7) }},
	{"call rcx", "ffd1", func(b *Builder) { b.CallReg(RCX) }},
	{"call r13", "41ffd5", func(b *Builder) { b.CallReg(R13) }},
	{"int3", "cc", func(b *Builder) { b.Int3() }},
	{"ret", "c3", func(b *Builder) { b.Ret() }},

	{"push rbp", "55", func(b *Builder) { b.Push(RBP) }},
	{"push r13", "4155", func(b *Builder) { b.Push(R13) }},
	{"pop rbx", "5b", func(b *Builder) { b.Pop(RBX) }},
	{"pop r15", "415f", func(b *Builder) { b.Pop(R15) }},
	{"leave", "c9", func(b *Builder) { b.Leave() }},
	{"data16 nop", "6690", func(b *Builder) { b.Nop2() }},
	{"nop dword ptr [rax], eax", "0f1f00", func(b *Builder) { b.Nop3() }},
	{"nop dword ptr [rax+rax*1], eax", "0f1f440000", func(b *Builder) { b.Nop5() }},
	{"pause", "f390", func(b *Builder) { b.Pause() }},
	{"lfence", "0faee8", func(b *Builder) { b.Lfence() }},
}

func TestBytes(t *testing.T) {
	for _, r := range rows {
		var b Builder
		r.emit(&b)
		if got := hex.EncodeToString(b.Code()); got != r.hex {
			t.Errorf("%s: % s, want % s", r.text, got, r.hex)
		}
		if want := []int{0}; !slices.Equal(b.Starts(), want) {
			t.Errorf("%s: starts %v, want %v", r.text, b.Starts(), want)
		}
	}
}

// x86asm decodes no VEX prefix.
func (r row) vex() bool { return strings.HasPrefix(r.hex, "c4") }

func TestDecodesWithX86asm(t *testing.T) {
	for _, r := range rows {
		if r.vex() {
			continue
		}
		code, err := hex.DecodeString(r.hex)
		if err != nil {
			t.Fatal(err)
		}
		inst, err := x86asm.Decode(code, 64)
		if err != nil {
			t.Errorf("%s (%s): %v", r.text, r.hex, err)
			continue
		}
		if inst.Len != len(code) {
			t.Errorf("%s (%s): length %d, want %d", r.text, r.hex, inst.Len, len(code))
		}
		if got := x86asm.IntelSyntax(inst, 0, nil); got != x86asmText(r) {
			t.Errorf("%s: x86asm reads %q, want %q", r.hex, got, x86asmText(r))
		}
	}
}

// x86asmText turns a row's text into the dialect of x86asm where that is odd: a negative
// displacement of four bytes is unsigned, an immediate of a full register is signed, the
// scale stands before the index.
func x86asmText(r row) string {
	s := strings.NewReplacer("rdx*8", "8*rdx", "rax*1", "rax", "0xffffffff", "-0x1").Replace(r.text)
	m := regexp.MustCompile(`^(.*rbp)-(0x[0-9a-f]+)(\].*)$`).FindStringSubmatch(s)
	if m == nil {
		return s
	}
	d, _ := strconv.ParseUint(m[2], 0, 32)
	wide := hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, uint32(-d)))
	if !strings.Contains(r.hex, wide) {
		return s
	}
	return fmt.Sprintf("%s+%#x%s", m[1], uint32(-d), m[3])
}

// TestDecodesWithObjdump gives all rows to objdump as one image, so that it has to find the
// starts as well.
func TestDecodesWithObjdump(t *testing.T) {
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("needs objdump of GNU binutils: ", err)
	}
	var b Builder
	var starts []int
	for _, r := range rows {
		starts = append(starts, b.Len())
		r.emit(&b)
	}
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, b.Code(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(objdump, "-D", "-w", "-b", "binary", "-m", "i386:x86-64",
		"-M", "intel", "--no-show-raw-insn", path)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out, []byte("file format binary")) {
		t.Skip("objdump knows no x86-64")
	}
	lines := regexp.MustCompile(`(?m)^ *([0-9a-f]+):\t(.*)$`).FindAllSubmatch(out, -1)
	if len(lines) != len(rows) {
		t.Fatalf("objdump reads %d instructions, want %d", len(lines), len(rows))
	}
	for i, l := range lines {
		at, err := strconv.ParseInt(string(l[1]), 16, 64)
		if err != nil || int(at) != starts[i] {
			t.Fatalf("%s: objdump starts it at %#x, want %#x", rows[i].text, at, starts[i])
		}
		want := binutilsText(rows[i], starts[i])
		if got := strings.Join(strings.Fields(strings.ToLower(string(l[2]))), " "); got != want {
			t.Errorf("%s: objdump reads %q, want %q", rows[i].hex, got, want)
		}
	}
}

// binutilsText turns a row's text into the dialect of objdump: no space after a comma,
// movabs, other names of conditions, absolute targets, negative constants as unsigned ones.
func binutilsText(r row, at int) string {
	switch r.hex {
	case "6690":
		return "xchg ax,ax"
	case "0f1f00":
		return "nop dword ptr [rax]"
	case "0f1f440000":
		return "nop dword ptr [rax+rax*1+0x0]"
	case "49b90000000001000000", "48be8877665544332211":
		return "movabs " + strings.ReplaceAll(strings.TrimPrefix(r.text, "mov "), ", ", ",")
	case "400fbec3": // a REX without a bit, which the kernel writes whether or not it is needed
		return "rex movsx eax,bl"
	case "4c8d3545230100":
		return fmt.Sprintf("lea r14,[rip+0x12345] # %#x", at+len(r.hex)/2+0x12345)
	case "654c03042545230100":
		return "add r8,qword ptr gs:0x12345"
	case "6548c13c254523010005":
		return "sar qword ptr gs:0x12345,0x5"
	case "6548c13d4523010005":
		return fmt.Sprintf("sar qword ptr gs:[rip+0x12345],0x5 # %#x", at+len(r.hex)/2+0x12345)
	}
	s := strings.NewReplacer(", ", ",", "jz ", "je ", "jnbe ", "ja ").Replace(r.text)
	if strings.HasPrefix(s, "sh") || strings.HasPrefix(s, "sa") {
		s = strings.TrimSuffix(s, ",0x1") + map[bool]string{true: ",1"}[strings.HasSuffix(s, ",0x1")]
	}
	if head, rel, ok := strings.Cut(s, " ."); ok {
		d, _ := strconv.ParseInt(rel, 0, 64)
		return fmt.Sprintf("%s %#x", head, uint64(int64(at+len(r.hex)/2)+d))
	}
	// An address without displacement still carries its byte here.
	s = regexp.MustCompile(`\[(rdi|r13)\]`).ReplaceAllString(s, "[$1+0x0]")
	if head, imm, ok := strings.Cut(s, ",-"); ok {
		v, _ := strconv.ParseUint(imm, 0, 64)
		if strings.Contains(head, "r15d") {
			return fmt.Sprintf("%s,%#x", head, uint32(-v))
		}
		return fmt.Sprintf("%s,%#x", head, -v)
	}
	return s
}

func TestForwardJumps(t *testing.T) {
	var b Builder
	first := b.JccForward(JA)
	b.Nop5()
	second := b.JmpForward()
	b.Nop3()
	b.Bind(first, second)
	if got, want := hex.EncodeToString(b.Code()), "770a"+"0f1f440000"+"eb03"+"0f1f00"; got != want {
		t.Errorf("code %s, want %s", got, want)
	}
	far := b.JmpForward()
	for range 25 {
		b.Nop5()
	}
	b.Nop2()
	b.Bind(far) // 127 bytes
	if code := b.Code(); code[len(code)-128] != 127 {
		t.Errorf("the longest short jump goes %d bytes", code[len(code)-128])
	}
	far = b.JmpForward()
	for range 32 {
		b.Nop3()
		b.Ret()
	}
	defer func() {
		if got := recover(); got != "x86: a short jump over 128 bytes" {
			t.Errorf("a distance of 128: %v", got)
		}
	}()
	b.Bind(far)
}

func TestSetRel32(t *testing.T) {
	var b Builder
	b.Call(0)
	end := b.Len()
	b.Ret()
	SetRel32(b.Code(), end, 0)
	if got, want := hex.EncodeToString(b.Code()), "e8fbffffffc3"; got != want {
		t.Errorf("code %s, want %s", got, want)
	}
}

// TestEveryRegister decodes the forms that depend on register numbers for all of them: the
// rows above pick a few, and REX has its corners.
func TestEveryRegister(t *testing.T) {
	for dst := RAX; dst <= R15; dst++ {
		for src := RAX; src <= R15; src++ {
			var b Builder
			b.Op(Add, W64, dst, src)
			b.Mov(W32, dst, src)
			b.Imul(W64, dst, src)
			if dst != RSP && dst != R12 {
				b.Load(W64, src, At(dst, 8))
				b.Load(W8, src, At(dst, 8))
				b.Store(W8, At(dst, 8), src)
				b.Store(W16, At(dst, 300), src)
			}
			want := []string{
				fmt.Sprintf("ADD %v, %v", asmReg(dst, W64), asmReg(src, W64)),
				fmt.Sprintf("MOV %v, %v", asmReg(dst, W32), asmReg(src, W32)),
				fmt.Sprintf("IMUL %v, %v", asmReg(dst, W64), asmReg(src, W64)),
				fmt.Sprintf("MOV %v, [%v+0x8]", asmReg(src, W64), asmReg(dst, W64)),
				fmt.Sprintf("MOVZX %v, [%v+0x8]", asmReg(src, W64), asmReg(dst, W64)),
				fmt.Sprintf("MOV [%v+0x8], %v", asmReg(dst, W64), asmReg(src, W8)),
				fmt.Sprintf("MOV [%v+0x12c], %v", asmReg(dst, W64), asmReg(src, W16)),
			}
			for i, at := range b.Starts() {
				inst, err := x86asm.Decode(b.Code()[at:], 64)
				if err != nil {
					t.Fatalf("%s: %v", want[i], err)
				}
				if got := inst.String(); got != want[i] {
					t.Errorf("%q, want %q", got, want[i])
				}
			}
		}
	}
}

func asmReg(r Reg, w Width) x86asm.Reg {
	switch w {
	case W8:
		if r >= RSP {
			return x86asm.SPB + x86asm.Reg(r-RSP)
		}
		return x86asm.AL + x86asm.Reg(r)
	case W16:
		return x86asm.AX + x86asm.Reg(r)
	case W32:
		return x86asm.EAX + x86asm.Reg(r)
	}
	return x86asm.RAX + x86asm.Reg(r)
}
