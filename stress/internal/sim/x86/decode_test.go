package x86

import (
	"bufio"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// listed are the machine instructions of every eBPF opcode, as package jit's own tests list
// them: one behind the other, without gaps.
func listed(t testing.TB) map[string][]byte {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "jit", "testdata", "opcodes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string][]byte{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		cols := strings.Split(lines.Text(), "\t")
		code, err := hex.DecodeString(cols[1])
		if err != nil {
			t.Fatal(err)
		}
		out[cols[0]+" "+cols[1]] = code
	}
	return out
}

// TestDecodesWhatIsListed: what is read of the instructions of an opcode ends where they end.
func TestDecodesWhatIsListed(t *testing.T) {
	for name, code := range listed(t) {
		at := 0
		for at < len(code) {
			i := Decode(code[at:])
			if !i.Valid() {
				t.Fatalf("%s: nothing known at % x", name, code[at:])
			}
			at += i.Size()
		}
		if at != len(code) {
			t.Errorf("%s: %d bytes are read of %d", name, at, len(code))
		}
	}
}

// TestRefusesParts: no part of an instruction is one.
func TestRefusesParts(t *testing.T) {
	for name, code := range listed(t) {
		for at := 0; at < len(code); {
			whole := Decode(code[at:])
			for n := range int(whole.size) {
				if i := Decode(code[at : at+n]); i.Valid() {
					t.Errorf("%s: %d bytes of % x are read as %+v", name, n, code[at:at+int(whole.size)], i)
				}
			}
			at += int(whole.size)
		}
	}
}

func TestRefusesWhatIsNeverEmitted(t *testing.T) {
	for _, text := range []string{
		"", "0f", "e9 00 00 00", // not whole
		"90",                   // a nop that no layout emits: five of them in a slot would be a fault of a layout
		"f0 89 08",             // lock mov
		"66 01 c8",             // add ax, cx
		"f3 c3",                // rep ret
		"88 e0",                // mov al, ah
		"0f 05",                // syscall
		"0f 0b",                // ud2
		"f4",                   // hlt
		"48 cf",                // iretq
		"ff 20",                // jmp [rax]
		"ff 75 00",             // push [rbp]
		"c4 e3 7b f0 c0 01",    // rorx
		"65 48 03 04 25 00 00", // gs
		"d3 00",                // rol dword ptr [rax], cl
		"d3 c0", "c1 d0 01",    // rol eax, cl; rcl eax, 1
		"d3 60 08", "c1 78 08 01", // shl [rax+8], cl; sar dword [rax+8], 1
		"c1 c8 05",                         // ror eax, 5: of 16 bits alone
		"10 c8", "11 c8", "19 c8", "83 d0", // adc, sbb
		"13 c8", "15 00 00 00 00", "83 d8 01",
		"0f b6 c4", "0f be c5", // movzx eax, ah; movsx eax, ch
		"c6 48 08 01", "c7 48 08 01 00 00 00", // of mov /0 alone
		"f7 58 08", "f7 78 08", // neg and idiv of memory
		"f7 d0", "f7 e8", "f7 c8 01 00 00 00", // not, imul, test /1
		"0f 1f 48 00", "0f ae f0", // of nop /0 alone; mfence
		"0f b1 c8", "0f c1 c8", // cmpxchg and xadd of registers
		"ff c0", "ff 50 08", "ff f0", // inc eax; call [rax+8]; push rax
		"7a 00", "0f 8b 00 00 00 00", // jp, jnp
		"8d c0",                            // lea eax, eax
		"f0 01 c8",                         // lock add eax, ecx
		"f0 39 08",                         // lock cmp [rax], ecx
		"f0 85 08",                         // lock test [rax], ecx
		"f3 01 c8",                         // rep add
		"66 89 c8",                         // mov ax, cx
		"66 f3 90",                         // more prefixes than one
		"8b 04 2d 00",                      // mov eax, [rbp*1+disp32]
		"c4 e1 79 f7 c0", "c4 e3 79 f7 c0", // shlx of another map
		"c4 e2 7d f7 c0",                   // shlx of 256 bits
		"c4 e2 79 f5 c0", "c4 e2 79 f6 c0", // bzhi, adcx
		"c4 e2 78 f7 c0",                               // bextr
		"c4 e2 79 f7 c1",                               // shlx eax, ecx, eax: of two registers
		"03 c3", "45 0b f7", "a9 01 00 00 00", "a8 01", // add and or by the other form; test eax, imm
		"66 66 66 42 90", "f0 66 65 44 90", "66 66 90", "48 90", // nops that are none of ours
		"87 c0", "88 d9", "b0 01", "86 03", "8a 03", // xchg, and mov of a byte, to registers
		"4d cc", "cd 03", "66 50", "c2 08 00", "67 8b 00", // int3 with REX; int 3; push ax; ret 8; [eax]
		"48 a1 01 02 03 04 05 06 07 08", "65 8b 03", "66 d3 c8", // moffs; a segment; ror ax, cl
		"f3 0f 1e fb", "f3 0f 1e", "c4 e2 79 f7", // endbr32; not whole
		"66 c4 e2 79 f7 c0", "f3 c4 e2 79 f7 c0", "f0 c4 e2 79 f7 c0",
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if i := Decode(code); i.Valid() || i.size != 0 {
			t.Errorf("% x is read as %+v", code, i)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x0f, 0x1f, 0x44, 0, 0})
	f.Add([]byte{0xf0, 0x4d, 0x0f, 0xb1, 0x5d, 0x10})
	f.Fuzz(func(t *testing.T, code []byte) {
		i := Decode(code)
		if !i.Valid() {
			return
		}
		if int(i.size) > len(code) || i.size > 15 {
			t.Fatalf("% x: %d bytes of %d", code, i.size, len(code))
		}
		if j := Decode(code[:i.size]); j != i {
			t.Fatalf("% x: %+v by itself, %+v with what follows", code[:i.size], j, i)
		}
	})
}
