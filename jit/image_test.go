package jit

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/arch/x86/x86asm"
)

const testMap = 0xffff888012345678

func options(l *Layout) Options {
	return Options{Layout: l, Maps: map[string]MapInfo{"m": {Addr: testMap, MaxEntries: 4, Values: testMap}}}
}

// leaving are the options of an image that leaves by such forms, in a kernel.
func leaving(l *Layout, forms Forms) Options {
	made := *l
	made.Forms = forms
	o := options(&made)
	o.Thunks = true
	return o
}

func mustCompile(t testing.TB, p *Program, o Options) *Image {
	t.Helper()
	img, err := Compile(p, o)
	if err != nil {
		t.Fatal(err)
	}
	checkImage(t, img)
	return img
}

// checkImage holds an image to what the package promises of all images.
func checkImage(t testing.TB, img *Image) {
	t.Helper()
	checkStarts(t, img)
	var end Off
	for i, f := range img.Funcs {
		if f.Off != end || f.Size == 0 || f.Name != img.Program.Funcs[i].Name {
			t.Errorf("function %d is %+v, should start at %#x", i, f, end)
		}
		end = f.Off + f.Size
	}
	if int(end) != len(img.Code) {
		t.Errorf("functions end at %#x, the image at %#x", end, len(img.Code))
	}
	if len(img.Insns) != len(img.Program.Insns)+1 || int(img.Insns[len(img.Insns)-1]) != len(img.Code) ||
		!slices.IsSorted(img.Insns) {
		t.Errorf("offsets of instructions: %v", img.Insns)
	}
	if len(img.Sites) != len(img.Program.TailCalls) {
		t.Fatalf("%d sites, want %d", len(img.Sites), len(img.Program.TailCalls))
	}
	for _, s := range img.Sites {
		checkSite(t, img, s)
	}
}

// checkStarts decodes the image from its beginning. x86asm knows no VEX prefix; the layouts
// use none.
func checkStarts(t testing.TB, img *Image) {
	t.Helper()
	var starts []Off
	for at := 0; at < len(img.Code); {
		inst, err := x86asm.Decode(img.Code[at:], 64)
		if bytes.HasPrefix(img.Code[at:], []byte(Endbr64)) {
			inst, err = x86asm.Inst{Len: len(Endbr64)}, nil
		}
		if err != nil {
			t.Fatalf("no instruction at %#x: % x", at, img.Code[at:min(at+15, len(img.Code))])
		}
		starts = append(starts, Off(at))
		at += inst.Len
	}
	if !slices.Equal(starts, img.Starts) {
		t.Errorf("starts\n%v, decoded\n%v", img.Starts, starts)
	}
}

func checkSite(t testing.TB, img *Image, s Site) {
	t.Helper()
	if s.Start != img.Insns[s.Insn] || s.End != img.Insns[s.Insn+1] {
		t.Errorf("site %+v is not at its instruction", s)
	}
	if !s.Direct {
		return
	}
	if s.BypassAddr != s.TailcallTarget+SlotSize || s.BypassAddr != s.End {
		t.Errorf("bypass address of %+v", s)
	}
	rel := int32(s.BypassAddr - s.TailcallBypass - SlotSize)
	bypass := []byte{0xe9, byte(rel), byte(rel >> 8), byte(rel >> 16), byte(rel >> 24)}
	if got := img.Code[s.TailcallBypass:][:SlotSize]; !bytes.Equal(got, bypass) {
		t.Errorf("bypass % x, want % x", got, bypass)
	}
	nop5 := []byte{0x0f, 0x1f, 0x44, 0x00, 0x00}
	if img.Layout.OldNops {
		nop5 = []byte{0x66, 0x66, 0x66, 0x66, 0x90}
	}
	if got := img.Code[s.TailcallTarget:][:SlotSize]; !bytes.Equal(got, nop5) {
		t.Errorf("target % x, want % x", got, nop5)
	}
	for _, slot := range []Off{s.TailcallBypass, s.TailcallTarget, s.BypassAddr} {
		if _, ok := slices.BinarySearch(img.Starts, slot); !ok {
			t.Errorf("no instruction starts at %#x", slot)
		}
	}
}

// frameProgram has a tail call, names n of the registers R6 to R9, and has a stack.
func frameProgram(t testing.TB, regs, stack int, key int32) *Program {
	t.Helper()
	var insns asm.Instructions
	for r := range asm.Register(regs) {
		insns = append(insns, asm.Mov.Imm(asm.R6+r, 0))
	}
	if stack > 0 {
		insns = append(insns, asm.StoreImm(asm.R10, int16(-stack), 0, asm.Byte))
	}
	return mustParse(t, concat(insns, tailCallTo("m", key), ret(7)))
}

// TestSeedListing holds the seed's direct site to the listing in its own commit message: one
// callee-saved register and no stack.
func TestSeedListing(t *testing.T) {
	img := mustCompile(t, frameProgram(t, 1, 0, 1), options(&SeedLayout))
	s := img.Sites[0]
	got := hex.EncodeToString(img.Code[s.TailcallBypass:s.End])
	want := "e90e000000" + // jmp out
		"5b" + // pop rbx
		"58" + // pop rax
		"4881c400000000" + // add rsp, 0
		"0f1f440000" // nop5
	if got != want {
		t.Errorf("slots and unwind %s, want %s", got, want)
	}
}

func TestPrologueAndEpilogue(t *testing.T) {
	pushes := [5]string{"", "53", "534155", "5341554156", "53415541564157"}
	pops := [5]string{"", "5b", "415d5b", "415e415d5b", "415f415e415d5b"}
	subs := map[int]string{8: "4881ec08000000", 12: "4881ec10000000", 512: "4881ec00020000"}
	for regs := range 5 {
		for _, stack := range []int{0, 8, 12, 512} {
			sub := subs[stack]
			checkFrame(t, &V612, regs, stack, "0f1f440000"+"4831c0"+"55"+"4889e5"+sub+ // nop5; xor; push; mov; sub
				"4883f821"+"7706"+"50"+"4889e0"+"eb01"+"50"+"50"+pushes[regs], // cmp rax, 33; ja; push; mov; jmp; push; push
				pops[regs]+"c9"+"c3")
			checkFrame(t, &V510, regs, stack,
				"0f1f440000"+"31c0"+"55"+"4889e5"+sub+"50"+pushes[regs], // nop5; xor; push; mov; sub; push rax
				pops[regs]+"c9"+"c3")
			if stack == 0 {
				sub = "4881ec00000000"
			}
			checkFrame(t, &SeedLayout, regs, stack,
				"0f1f440000"+"31c0"+"55"+"4889e5"+sub+"50"+pushes[regs],
				pops[regs]+"59"+"c9"+"c3") // ...; pop rcx; leave; ret
		}
	}
}

func checkFrame(t *testing.T, l *Layout, regs, stack int, prologue, epilogue string) {
	t.Helper()
	img := mustCompile(t, frameProgram(t, regs, stack, 1), options(l))
	name := fmt.Sprintf("%s, %d registers, stack %d", l.Name, regs, stack)
	if got := hex.EncodeToString(img.Code[:img.Insns[0]]); got != prologue {
		t.Errorf("%s: prologue %s, want %s", name, got, prologue)
	}
	exit := img.Insns[len(img.Insns)-2]
	if got := hex.EncodeToString(img.Code[exit:]); got != epilogue {
		t.Errorf("%s: epilogue %s, want %s", name, got, epilogue)
	}
	if landing := int(l.AdjOff); !slices.Contains(img.Starts, Off(landing)) ||
		hex.EncodeToString(img.Code[landing-3:landing]) != "4889e5" || img.AdjOff != l.AdjOff {
		t.Errorf("%s: tail calls do not enter after mov rbp, rsp", name)
	}
}

func TestFramesWithoutTailCall(t *testing.T) {
	p := mustParse(t, concat(asm.Instructions{asm.Mov.Reg(asm.R7, asm.R1)}, ret(0)))
	for l, want := range map[*Layout]string{
		// nop5; nop2; push rbp; mov rbp, rsp; [sub rsp, 0;] push r13
		&SeedLayout: "0f1f440000" + "6690" + "55" + "4889e5" + "4881ec00000000" + "4155",
		&V510:       "0f1f440000" + "6690" + "55" + "4889e5" + "4155",
		&V612:       "0f1f440000" + "0f1f00" + "55" + "4889e5" + "4155",
	} {
		img := mustCompile(t, p, options(l))
		if got := hex.EncodeToString(img.Code[:img.Insns[0]]); got != want {
			t.Errorf("%s: prologue %s, want %s", l.Name, got, want)
		}
		if code := hex.EncodeToString(img.Code); !strings.HasSuffix(code, "415d"+"c9"+"c3") {
			t.Errorf("%s: %s does not end in pop r13; leave; ret", l.Name, code)
		}
	}
}

// The main program calls a function that tail calls.
func subprogram(t testing.TB, stack int16) *Program {
	t.Helper()
	return mustParse(t, concat(
		asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.StoreImm(asm.R10, -stack, 1, asm.Byte),
			asm.Call.Label("sub"),
			asm.Return(),
			asm.StoreImm(asm.R10, -8, 1, asm.Byte).WithSymbol("sub"),
		}, tailCallTo("m", 0), ret(3)))
}

func TestCounterInSubprograms(t *testing.T) {
	unrounded := V510
	unrounded.Name, unrounded.UnroundedReload = "v5.10 unrounded", true
	for _, tt := range []struct {
		l               *Layout
		main, sub, call string
	}{
		{&SeedLayout,
			"0f1f440000" + "6690" + "55" + "4889e5" + "4881ec10000000" + "53", // main has no counter
			"0f1f440000" + "31c0" + "55" + "4889e5" + "4881ec08000000" + "50", // sub starts at zero
			"e8"},
		{&V510,
			"0f1f440000" + "31c0" + "55" + "4889e5" + "4881ec10000000" + "50" + "53",
			"0f1f440000" + "6690" + "55" + "4889e5" + "4881ec08000000" + "50",
			"488b85e8ffffff" + "e8"}, // mov rax, [rbp-8-16]
		{&V612,
			"0f1f440000" + "4831c0" + "55" + "4889e5" + "4881ec10000000" + "4883f821770650" + "4889e0eb015050" + "53",
			"0f1f440000" + "0f1f00" + "55" + "4889e5" + "4881ec08000000" + "5050",
			"488b85e0ffffff" + "e8"}, // mov rax, [rbp-16-16]
		{&unrounded,
			"0f1f440000" + "31c0" + "55" + "4889e5" + "4881ec10000000" + "50" + "53",
			"0f1f440000" + "6690" + "55" + "4889e5" + "4881ec08000000" + "50",
			"488b85ecffffff" + "e8"}, // mov rax, [rbp-8-12]
	} {
		t.Run(tt.l.Name, func(t *testing.T) {
			img := mustCompile(t, subprogram(t, 12), options(tt.l))
			if got := hex.EncodeToString(img.Code[:img.Insns[0]]); got != tt.main {
				t.Errorf("main %s, want %s", got, tt.main)
			}
			sub := img.Funcs[1].Off
			if got := hex.EncodeToString(img.Code[sub:img.Insns[4]]); got != tt.sub {
				t.Errorf("sub %s, want %s", got, tt.sub)
			}
			end := img.Insns[3]
			rel := fmt.Sprintf("%02x000000", uint32(sub-end))
			if got := hex.EncodeToString(img.Code[img.Insns[2]:end]); got != tt.call+rel {
				t.Errorf("call %s, want %s", got, tt.call+rel)
			}
		})
	}
}

// TestSiteDistances holds the short jumps to what kernels have: the constants that those of
// 5.10 and the seed compute by hand, and images of 6.18.
func TestSiteDistances(t *testing.T) {
	popBytes := [5]int{0, 1, 3, 5, 7}
	for _, l := range Layouts() {
		for regs := range 5 {
			for _, stack := range []int{0, 8, 12, 512} {
				unwind := popBytes[regs] + 1
				if stack > 0 || l == &SeedLayout {
					unwind += 7
				}
				over := byte(0x77)
				if l.LimitJAE {
					over = 0x73
				}
				direct := map[byte][]int{over: {19 + unwind}, 0xe9: {unwind + 5}}
				indirect := map[byte]int{0x76: 41 + unwind, over: 30 + unwind, 0x74: 8 + unwind}
				if l.Counter.Calls == CounterShared { // one pop more, and the counting after the slot or the test
					unwind++
					direct = map[byte][]int{0x73: {14 + unwind}, 0xe9: {9 + unwind}}
					indirect = map[byte]int{0x76: 38 + unwind, 0x73: 25 + unwind, 0x74: 12 + unwind}
				}
				name := fmt.Sprintf("%s, %d registers, stack %d", l.Name, regs, stack)
				img := mustCompile(t, frameProgram(t, regs, stack, 1), options(l))
				checkJumps(t, name+", direct", img, direct)
				for form, size := range jumpSizes {
					img := mustCompile(t, frameProgram(t, regs, stack, 100), leaving(l, Forms{Jump: form}))
					for op, distance := range indirect {
						checkJumps(t, fmt.Sprintf("%s, indirect by %d bytes", name, size), img,
							map[byte][]int{op: {distance + size}})
					}
				}
			}
		}
	}
}

var jumpSizes = map[JumpForm]int{JumpPlain: 2, JumpTrap: 3, JumpLfence: 5, JumpRetpoline: 17, JumpThunk: 5}

// checkJumps compares the jumps of the only site, by opcode.
func checkJumps(t *testing.T, name string, img *Image, want map[byte][]int) {
	t.Helper()
	s := img.Sites[0]
	for op, distances := range want {
		var got []int
		for _, at := range img.Starts {
			if at < s.Start || at >= s.End || img.Code[at] != op {
				continue
			}
			if to := at + 2 + Off(img.Code[at+1]); op != 0xe9 && to != s.End {
				t.Errorf("%s: jump at %#x goes to %#x, not after the site", name, at, to)
			}
			got = append(got, int(img.Code[at+1]))
		}
		if !slices.Equal(got, distances) {
			t.Errorf("%s: jumps %#x go %v, want %v", name, op, got, distances)
		}
	}
}

func TestDirectSite(t *testing.T) {
	img := mustCompile(t, frameProgram(t, 4, 12, 1), options(&V510))
	s := img.Sites[0]
	if !s.Direct || s.Map != "m" || s.Key != 1 {
		t.Fatalf("site %+v", s)
	}
	want := "8b85ecffffff" + // mov eax, [rbp-4-16]
		"83f820" + // cmp eax, 32
		"7722" + // ja out
		"83c001" + // add eax, 1
		"8985ecffffff" + // mov [rbp-4-16], eax
		"e914000000" + // jmp out
		"415f415e415d5b" + // pop r15, r14, r13, rbx
		"58" + // pop rax
		"4881c410000000" + // add rsp, 16
		"0f1f440000" // nop5
	if got := hex.EncodeToString(img.Code[s.Start:s.End]); got != want {
		t.Errorf("site\n%s, want\n%s", got, want)
	}
}

func TestIndirectSite(t *testing.T) {
	o := leaving(&V510, Forms{Jump: JumpRetpoline})
	img := mustCompile(t, frameProgram(t, 1, 8, 4), o) // key 4 of 4
	s := img.Sites[0]
	if s.Direct || s.Map != "" || s.BypassAddr != 0 {
		t.Fatalf("site %+v", s)
	}
	want := "89d2" + // mov edx, edx
		"395624" + // cmp [rsi+0x24], edx
		"7643" + // jbe out
		"8b85f4ffffff" + // mov eax, [rbp-4-8]
		"83f820" + // cmp eax, 32
		"7738" + // ja out
		"83c001" + // add eax, 1
		"8985f4ffffff" + // mov [rbp-4-8], eax
		"488b8cd610010000" + // mov rcx, [rsi+rdx*8+0x110]
		"4885c9" + // test rcx, rcx
		"7422" + // je out
		"5b" + "58" + "4881c408000000" + // pop rbx; pop rax; add rsp, 8
		"488b4930" + // mov rcx, [rcx+0x30]
		"4883c10b" + // add rcx, 11
		"e807000000" + "f390" + "0faee8" + "ebf9" + "48890c24" + "c3" // retpoline
	if got := hex.EncodeToString(img.Code[s.Start:s.End]); got != want {
		t.Errorf("site\n%s, want\n%s", got, want)
	}
}

// The sites of V612 are those of kernel images, with a thunk's distance left out.
func TestSitesOfV612(t *testing.T) {
	o := leaving(&V612, Forms{Return: ReturnThunk, Jump: JumpThunk})
	for key, want := range map[int32]string{
		1: "488b85e0ffffff" + // mov rax, [rbp-16-16]
			"48833821" + // cmp qword ptr [rax], 33
			"731e" + // jae out
			"e919000000" + // jmp out
			"48830001" + // add qword ptr [rax], 1
			"415f415e415d5b" + // pop r15, r14, r13, rbx
			"5858" + // pop rax; pop rax
			"4881c410000000" + // add rsp, 16
			"0f1f440000", // nop5
		4: "89d2" + // mov edx, edx
			"39564c" + // cmp [rsi+0x4c], edx
			"763b" + // jbe out
			"488b85e0ffffff" + // mov rax, [rbp-16-16]
			"48833821" + // cmp qword ptr [rax], 33
			"732e" + // jae out
			"488b8cd638010000" + // mov rcx, [rsi+rdx*8+0x138]
			"4885c9" + // test rcx, rcx
			"7421" + // je out
			"48830001" + // add qword ptr [rax], 1
			"415f415e415d5b" + "5858" + "4881c410000000" + // pop ...; add rsp, 16
			"488b4948" + // mov rcx, [rcx+0x48]
			"4883c10c" + // add rcx, 12
			"e900000000", // jmp thunk
	} {
		img := mustCompile(t, frameProgram(t, 4, 12, key), o)
		s := img.Sites[0]
		if got := hex.EncodeToString(img.Code[s.Start:s.End]); got != want {
			t.Errorf("key %d:\n%s, want\n%s", key, got, want)
		}
		for _, r := range img.Refs {
			if r.Kind == RefJumpThunk && (r.Size != 4 || r.Off+4 != s.End) {
				t.Errorf("key %d: thunk referred to by %+v, the site ends at %#x", key, r, s.End)
			}
		}
	}
}

func TestReturns(t *testing.T) {
	for form, want := range map[ReturnForm]string{ReturnPlain: "c3", ReturnTrap: "c3cc", ReturnThunk: "e900000000"} {
		img := mustCompile(t, mustParse(t, ret(7)), leaving(&V612, Forms{Return: form}))
		if got := hex.EncodeToString(img.Code[img.Insns[1]:]); got != "c9"+want {
			t.Errorf("form %d: epilogue %s, want c9%s", form, got, want)
		}
	}
}

// TestStandIns: outside of a kernel what a thunk would do stands in the place of the jump there, and
// all else lies where it does in the kernel.
func TestStandIns(t *testing.T) {
	o := leaving(&V613, Forms{Return: ReturnThunk, Jump: JumpThunk})
	for _, p := range []*Program{frameProgram(t, 4, 12, 1), frameProgram(t, 4, 12, 4), subprogram(t, 12)} {
		o.Thunks = true
		theirs := mustCompile(t, p, o)
		o.Thunks = false
		ours := mustCompile(t, p, o)
		want := bytes.Clone(theirs.Code)
		for _, r := range theirs.Refs {
			switch r.Kind {
			case RefReturnThunk:
				copy(want[r.Off-1:], "\xc3\xcc\xcc\xcc\xcc") // ret; int3 ...
			case RefJumpThunk:
				copy(want[r.Off-1:], "\xff\xe1\xcc\xcc\xcc") // jmp rcx; int3 ...
			}
		}
		if !bytes.Equal(ours.Code, want) {
			t.Errorf("% x, want\n% x", ours.Code, want)
		}
		if diff := cmp.Diff(theirs.Sites, ours.Sites); diff != "" {
			t.Errorf("sites in a kernel - outside:\n%s", diff)
		}
		if slices.ContainsFunc(ours.Refs, func(r Ref) bool { return r.Kind == RefReturnThunk || r.Kind == RefJumpThunk }) {
			t.Errorf("references to thunks: %+v", ours.Refs)
		}
	}
}

func TestDirectNeedsAKeyInRange(t *testing.T) {
	for key, direct := range map[int32]bool{0: true, 3: true, 4: false, -1: false} {
		img := mustCompile(t, frameProgram(t, 0, 0, key), options(&V510))
		if img.Sites[0].Direct != direct {
			t.Errorf("key %d of 4: direct is %t", key, img.Sites[0].Direct)
		}
	}
}

func TestMapsAreResolved(t *testing.T) {
	p := frameProgram(t, 0, 0, 0)
	img := mustCompile(t, p, options(&V510))
	if got := hex.EncodeToString(img.Code[img.Insns[0]:img.Insns[1]]); got != "48be7856341280"+"88ffff" {
		t.Errorf("map load %s", got)
	}
	_, err := Compile(p, Options{Layout: &V510})
	if want := `unknown map "m"`; err == nil || !strings.Contains(err.Error(), want) ||
		!strings.HasPrefix(err.Error(), "insn 0 (") {
		t.Errorf("error %v, want one with %s", err, want)
	}
	if _, err := Compile(p, Options{}); err == nil {
		t.Error("compiled without a layout")
	}
}

func TestLayoutByName(t *testing.T) {
	for _, l := range Layouts() {
		if got, err := LayoutByName(l.Name); got != l || err != nil {
			t.Errorf("LayoutByName(%q) = %v, %v", l.Name, got, err)
		}
	}
	if _, err := LayoutByName("v1"); err == nil {
		t.Error("found a layout that is not there")
	}
}
