package reference

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim"
)

// Properties that the engines judge, as package documents say.
var (
	machineJudges = []protocol.Property{
		protocol.NeverA, protocol.NoTorn, protocol.NoUseAfterFree, protocol.ExpectedBytes,
		protocol.NoDoubleFree, protocol.NoEarlyFree, protocol.NoLeak,
	}
	modelJudges = append(slices.Clone(machineJudges), protocol.NoMiss, protocol.Fresh)
)

// modelPrograms is how many programs the model is given: with two there are updates.
const modelPrograms = 2

// definition is a subject as package protocol has it.
func (s subject) definition(threads int) protocol.Subject {
	return protocol.Subject{
		Protocol: s.parsed, Method: s.parsedMethod, Grace: s.parsedGrace, Layout: jit.V510.Name,
		Shape: protocol.Shape{
			Threads: threads, Sites: s.sites, Programs: modelPrograms, Keys: s.keys,
			Same: true, Indirect: s.indirect,
		},
	}
}

// asked is the question that the model answers, or the one that the machine does.
func (s subject) asked(threads int) question {
	return question{
		protocol: s.parsed, method: s.parsedMethod, grace: s.parsedGrace.Kind,
		threads: max(threads, len(s.parsed.Readers)), sites: s.sites, keys: s.keys,
	}
}

func (s subject) askedOfModel(threads int) question {
	q := s.asked(threads)
	q.programs, q.again, q.judged = modelPrograms, true, modelJudges
	if s.indirect {
		q.indirect = may
	}
	return q
}

// askedOfMachine is about so many operations, each of which may give a program of its own, or, if
// most is 0, about any number.
func (s subject) askedOfMachine(threads, most int) question {
	q := s.asked(threads)
	q.programs, q.most, q.atCall, q.judged = most, most, true, machineJudges
	if most == 0 {
		q.programs, q.again = modelPrograms, true
	}
	if s.indirect {
		q.indirect = first
	}
	return q
}

// model asks the model: for any property, or for one.
func (s subject) model(t *testing.T, only protocol.Property) *model.Result {
	t.Helper()
	r, err := model.Check(s.definition(1), model.Options{Only: only, Workers: 1})
	if err != nil {
		t.Fatalf("%v\n%v", s, err)
	}
	return r
}

// table is the prog array of the caller.
const table = "jmp_table"

// A machine is what simulated CPUs execute. Programs are made once for all subjects, and so are
// their images.
type machine struct {
	callers  map[shape]*jit.Program
	programs []*jit.Program
	images   map[image]*jit.Image
}

// A shape is what a caller is made for.
type shape struct {
	sites, keys int
	indirect    bool
}

// An image is what a program is compiled for.
type image struct {
	*jit.Program
	table jit.MapInfo
}

// caller is the program that the threads execute: perhaps an indirect site of key 0, then a direct
// one after the other. It has two callee-saved registers and a stack word.
func (m *machine) caller(t *testing.T, s subject) *jit.Program {
	t.Helper()
	of := shape{s.sites, s.keys, s.indirect}
	if m.callers[of] != nil {
		return m.callers[of]
	}
	insns := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R7, 58),
		asm.Mov.Imm(asm.R2, 42),
		asm.StoreMem(asm.RFP, -8, asm.R2, asm.DWord),
	}
	tailCall := func(key asm.Instruction) {
		insns = append(insns, asm.Mov.Reg(asm.R1, asm.R6),
			asm.LoadMapPtr(asm.R2, 0).WithReference(table), key, asm.FnTailCall.Call())
	}
	if s.indirect {
		tailCall(asm.LoadMem(asm.R3, asm.R6, 0, asm.Byte)) // the context has 0 there
	}
	for i := range s.sites {
		tailCall(asm.Mov.Imm(asm.R3, int32(i%s.keys)))
	}
	insns = append(insns, asm.LoadMem(asm.R0, asm.RFP, -8, asm.DWord),
		asm.Add.Reg(asm.R0, asm.R7), asm.Return())
	if m.callers == nil {
		m.callers = map[shape]*jit.Program{}
		for _, name := range []string{"p0", "p1"} {
			m.programs = append(m.programs, parsed(t, name, asm.Instructions{
				asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R0, 1), asm.Return(),
			}))
		}
	}
	m.callers[of] = parsed(t, "entry", insns)
	return m.callers[of]
}

func parsed(t *testing.T, name string, insns asm.Instructions) *jit.Program {
	t.Helper()
	insns[0] = insns[0].WithSymbol(name)
	p, err := jit.Parse(name, insns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// compile remembers images: of one program there are few.
func (m *machine) compile(
	p *jit.Program, l *jit.Layout, maps map[string]jit.MapInfo,
) (*jit.Image, error) {
	of := image{p, maps[table]}
	if img := m.images[of]; img != nil {
		return img, nil
	}
	img, err := jit.Compile(p, jit.Options{Layout: l, Maps: maps})
	if m.images == nil {
		m.images = map[image]*jit.Image{}
	}
	m.images[of] = img
	return img, err
}

// check asks the machine: for any property, or for one.
func (m *machine) check(
	t *testing.T, s subject, threads, most int, only ...protocol.Property,
) *sim.Result {
	t.Helper()
	c := sim.Config{
		Subject: s.definition(threads), Layout: &jit.V510, Entry: m.caller(t, s),
		Programs: m.programs, Maps: map[string]int{table: s.keys}, Ctx: make([]byte, 8),
		Compile: m.compile, MaxOps: most, Properties: only, Workers: 1,
	}
	for key := range s.keys {
		c.Keys = append(c.Keys, protocol.Key{Map: table, Index: key})
	}
	r, err := sim.Check(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\n%v", s, err)
	}
	return r
}
