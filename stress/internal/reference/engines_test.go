package reference

import (
	"slices"
	"testing"

	"tailpoke/jit"
	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim"
	"tailpoke/stress/internal/workload"
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
			Threads: threads, Sites: s.sites, Programs: modelPrograms, Keys: s.keys, Same: true,
		},
	}
}

// asked is the question that the model answers, or the one that the machine does.
func (s subject) asked(threads int) question {
	return question{
		protocol: s.parsed, method: s.parsedMethod, grace: s.parsedGrace.Kind,
		threads: threads, sites: s.sites, keys: s.keys,
	}
}

func (s subject) askedOfModel(threads int) question {
	q := s.asked(threads)
	q.programs, q.again, q.judged = modelPrograms, true, modelJudges
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

// A machine is what simulated CPUs execute: images are compiled once for all subjects.
type machine struct {
	workloads map[generatedFor]*workload.Workload
}

// generatedFor is what a workload is generated for.
type generatedFor struct {
	protocol.Shape
	aligned bool // for stores of whole instructions
}

// of is the workload of a subject.
func (m *machine) of(t *testing.T, s subject) *workload.Workload {
	t.Helper()
	to := generatedFor{Shape: s.definition(1).Shape}
	for _, step := range s.parsedMethod.Steps {
		to.aligned = to.aligned || step.Single && step.Len != 1
	}
	if m.workloads == nil {
		m.workloads = map[generatedFor]*workload.Workload{}
	}
	if m.workloads[to] == nil {
		w, err := workload.Generate(to.Shape, to.aligned)
		if err != nil {
			t.Fatal(err)
		}
		m.workloads[to] = w
	}
	return m.workloads[to]
}

// check asks the machine: for any property, or for one.
func (m *machine) check(
	t *testing.T, s subject, threads, most int, only ...protocol.Property,
) *sim.Result {
	t.Helper()
	w := m.of(t, s)
	r, err := sim.Check(t.Context(), sim.Config{
		Subject: s.definition(threads), Layout: &jit.V510, Entry: w.Entry, Programs: w.Programs,
		Maps: w.Maps, Keys: w.Keys, Ctx: w.Context.Bytes, Compile: w.Compile,
		MaxOps: most, Properties: only, Workers: 1,
	})
	if err != nil {
		t.Fatalf("%v\n%v", s, err)
	}
	return r
}
