package identity

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// target is what the running kernel does, or skips the test.
func compiler(t *testing.T) *Compiler {
	t.Helper()
	k, err := DetectCompiler()
	if err != nil {
		t.Skip(err)
	}
	return k
}

// seed is what the corpus is drawn from.
const seed = 1

func TestIdentity(t *testing.T) {
	t.Logf("compiler %+v", *compiler(t))
	spec, err := ebpf.LoadCollectionSpec("../../bpf/tailcalls.o")
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Check(t.Context(), append(ObjectSamples(spec), Corpus(t.Context(), seed, 400)...), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range rep.Differences {
		if i == 3 {
			break
		}
		t.Errorf("%s:\n%s", d.Name, d.Listing)
	}
	for _, d := range rep.Rejected {
		t.Errorf("%s was rejected: %s", d.Name, d.Listing)
	}
	t.Logf("%d of %d programs identical, %d after reading off what is hidden; %d opcodes",
		rep.Identical, rep.Programs, rep.Recovered, rep.Opcodes)
	if rep.Identical != rep.Programs || rep.Programs < 1100 || rep.Recovered != 0 {
		t.Error("want all of at least 1100, and none with help")
	}
	// All that jit.Parse accepts but the call through a register (164); three more kinds of
	// loading 64 bits; calls of helpers and tail calls; and the address of a CPU's memory.
	if want := 164 + 3 + 2 + 1; rep.Opcodes != want {
		t.Errorf("%d opcodes, want %d: %v", rep.Opcodes, want, sortedKeys(rep.Seen))
	}
}

func TestReportAsJSON(t *testing.T) {
	k := compiler(t)
	rep, err := k.Check(t.Context(), []Sample{
		sampleOf("good", ebpf.SocketFilter, returning(1)),
		sampleOf("bad", ebpf.SocketFilter, asm.Instructions{asm.Mov.Reg(asm.R0, asm.R5), asm.Return()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"programs":1,"identical":1,"opcodes":2,"differences":[],"recovered":0,"rejected":[{"name":"bad",`
	if !strings.HasPrefix(string(out), want) {
		t.Errorf("report %s, want it to start %s", out, want)
	}
}

// TestDifferencesAreFound compiles as other kernels and other CPUs would, one thing at a
// time: each must show, with both images in its listing.
func TestDifferencesAreFound(t *testing.T) {
	var samples []Sample
	for _, s := range Corpus(t.Context(), seed, 10) {
		if strings.HasPrefix(s.Name, "jump over 23") || strings.Contains(s.Name, "call ") && strings.Contains(s.Name, ", 1 registers") ||
			s.Name == "alu LSh reg" || s.Name == "functions" {
			samples = append(samples, s)
		}
	}
	for name, wrong := range map[string]func(*Compiler){
		"landing":         func(t *Compiler) { t.Layout.AdjOff++ },
		"max_entries":     func(t *Compiler) { t.Layout.ArrayMaxEntries += 4 },
		"pointers":        func(t *Compiler) { t.Layout.ArrayPtrs += 8 },
		"bpf_func":        func(t *Compiler) { t.Layout.ProgFunc += 8 },
		"limit":           func(t *Compiler) { t.Layout.Counter.Limit = 32 },
		"miss spends":     func(t *Compiler) { t.Layout.Counter.MissSpends = true },
		"shifts":          func(t *Compiler) { t.Layout.ShiftX = !t.Layout.ShiftX },
		"short jumps":     func(t *Compiler) { t.Layout.ShortJumpMax-- },
		"returns":         func(t *Compiler) { t.Layout.Forms.Return = (t.Layout.Forms.Return + 1) % 3 },
		"indirect jumps":  func(t *Compiler) { t.Layout.Forms.Jump = (t.Layout.Forms.Jump + 1) % 5 },
		"empty stacks":    func(t *Compiler) { t.Layout.MovesEmptyStack = true },
		"counter dropped": func(t *Compiler) { t.Layout.PopsCounter = true },
	} {
		t.Run(name, func(t *testing.T) {
			k := compiler(t)
			wrong(k)
			rep, err := k.Check(t.Context(), samples)
			if err != nil {
				t.Fatal(err)
			}
			if len(rep.Differences) == 0 {
				t.Fatalf("all of %d programs are identical", rep.Programs)
			}
			if l := rep.Differences[0].Listing; !strings.Contains(l, " | ") || !strings.Contains(l, "push rbp") {
				t.Errorf("listing\n%s", l)
			}
		})
	}
}

// TestHidden has what the verifier knows and our analysis does not.
func TestHidden(t *testing.T) {
	k := compiler(t)
	compared := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1), asm.LoadMem(asm.R3, asm.R1, 8, asm.Word), asm.JNE.Imm(asm.R3, 2, "out"),
		asm.LoadMapPtr(asm.R2, 0).WithReference("progs"), asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return(),
	}
	unused := asm.Instructions{
		asm.StoreImm(asm.R10, -8, 1, asm.Byte), asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -64),
		asm.Mov.Imm(asm.R0, 0), asm.Return(),
	}
	removed := slices.Concat(frameOf(2, 100), asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.JEq.Imm(asm.R0, 0, "out")},
		tailCallOf("progs", 1), asm.Instructions{asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return()})
	rep, err := k.Check(t.Context(), []Sample{
		sampleOf("a key that a comparison tells", ebpf.SchedCLS, compared),
		sampleOf("an address that is not used", ebpf.SchedCLS, unused),
		sampleOf("a tail call in dead code", ebpf.SchedCLS, removed),
		sampleOf("a tail call in dead code, which keeps the stack ordinary", ebpf.Kprobe, slices.Clone(removed)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Identical != 4 || rep.Recovered != 4 {
		t.Errorf("%+v, want four programs that need help", *rep)
	}
}

// TestAddressesMustAgree has two operands that mean one thing and give two addresses.
func TestAddressesMustAgree(t *testing.T) {
	b := book{}
	for i, addr := range []uint64{1, 1, 2} {
		if err := b.agree("thunk", addr); (err != nil) != (i == 2) {
			t.Errorf("address %d: %v", i, err)
		}
	}
}

// TestCorpusIsOfItsSeed draws the same programs twice.
func TestCorpusIsOfItsSeed(t *testing.T) {
	list := func(seed uint64) string {
		var b strings.Builder
		for _, s := range Corpus(t.Context(), seed, 20) {
			b.WriteString(s.Name + "\n")
			for _, ins := range s.Spec.Programs[s.Program].Instructions {
				b.WriteString(strings.TrimSpace(ins.OpCode.String()) + "\n")
			}
		}
		return b.String()
	}
	first := list(seed)
	if first != list(seed) {
		t.Error("one seed gives two corpora")
	}
	if first == list(seed+1) {
		t.Error("two seeds give one corpus")
	}
}

// TestCheckEnds: a comparison that is ended has what was compared until then.
func TestCheckEnds(t *testing.T) {
	k := compiler(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rep, err := k.Check(ctx, Corpus(t.Context(), seed, 10))
	if err != nil || rep.Programs != 0 {
		t.Errorf("%d programs were compared, %v", rep.Programs, err)
	}
}

// TestCorpusEnds: a signal that comes while programs are drawn ends that too.
func TestCorpusEnds(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	if few, none := len(Corpus(ended, 1, 1<<30)), len(Corpus(t.Context(), 1, 0)); few != none {
		t.Errorf("%d programs, want %d", few, none)
	}
}
