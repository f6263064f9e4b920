package kernel

import (
	"fmt"
	"io"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// Programs that bpf(2) does not execute are attached to something that the threads call, and that
// hardly anything else on the machine does:
//
//	kprobe              a function of the kernel that test runs alone call, where it can be probed
//	kprobe, uprobe      otherwise an instruction of a function of this process
//	fentry, fexit       functions of the kernel that test runs alone call
//	lsm                 a hook that hardly anybody reaches: who moves another process's pages does
//	perf_event          page faults of the threads
//	tracepoint, tp_btf  the end of a test run, or a system call that hardly anybody makes
//
// So they are not attached where their sections say: a program that ran for every process there might
// be anything's undoing. Those that the verifier takes nowhere else are not executed.

// An aim is where a program is attached.
type aim struct {
	kind ebpf.AttachType
	to   string
}

// take aims a program. One of another kind keeps its place: it takes nobody's.
func (a aim) take(p *ebpf.ProgramSpec) {
	if p.Type == ebpf.Kprobe {
		p.AttachType = a.kind
	}
	if p.AttachType == a.kind {
		p.AttachTo = a.to
	}
}

// aims are the places that programs like the entry may be given. The first that the kernel takes is
// theirs. An entry without is loaded as it is.
func aims(entry *ebpf.ProgramSpec) (out []aim) {
	switch {
	case entry.Type == ebpf.Kprobe:
		if kprobed() == nil {
			out = append(out, aim{ebpf.AttachNone, calledByTests[0]})
		}
		return append(out, aim{kind: ebpf.AttachTraceUprobeMulti}, aim{kind: ebpf.AttachNone})
	case entry.Type == ebpf.LSM && entry.AttachType == ebpf.AttachLSMMac:
		return []aim{{entry.AttachType, rareHook}}
	case entry.Type != ebpf.Tracing:
		return nil
	case entry.AttachType == ebpf.AttachTraceFEntry, entry.AttachType == ebpf.AttachTraceFExit:
		for _, name := range calledByTests {
			out = append(out, aim{entry.AttachType, name})
		}
		return out
	case entry.AttachType == ebpf.AttachModifyReturn:
		return []aim{{entry.AttachType, "bpf_modify_return_test"}}
	case entry.AttachType == ebpf.AttachTraceRawTp:
		return []aim{{entry.AttachType, "bpf_test_finish"}}
	}
	return nil
}

// calledByTests are functions of the kernel that test runs of tracing programs alone call.
var calledByTests = []string{
	"bpf_fentry_test1", "bpf_fentry_test2", "bpf_fentry_test3", "bpf_fentry_test4", "bpf_fentry_test5",
	"bpf_fentry_test6", "bpf_fentry_test7", "bpf_fentry_test8",
}

// rareHook is asked before the pages of a process that is named are moved.
const rareHook = "task_movememory"

// eventFor is what executes programs like the entry, where they are aimed at it.
func eventFor(entry *ebpf.ProgramSpec) (*event, error) {
	if all := aims(entry); len(all) > 0 && !slices.Contains(all, aim{entry.AttachType, entry.AttachTo}) {
		return nil, fmt.Errorf("the kernel takes it at %s alone, which is called for others too", entry.AttachTo)
	}
	switch entry.Type {
	case ebpf.Kprobe:
		if entry.AttachTo != "" {
			return kprobeEvent()
		}
		return probedEvent(entry.AttachType == ebpf.AttachTraceUprobeMulti)
	case ebpf.TracePoint:
		return tracepointEvent()
	case ebpf.PerfEvent:
		return faultEvent()
	case ebpf.Tracing:
		return tracingEvent(entry)
	case ebpf.LSM:
		if entry.AttachType == ebpf.AttachLSMMac {
			return hookEvent(), nil
		}
	}
	return nil, fmt.Errorf("programs of type %v are executed for others on this machine, or by what a run does not do", entry.Type)
}

// endsEvent says whether the first of the programs at an event that returns something else than 0 is the
// last one that is executed. Then a program that is attached need not be executed.
func endsEvent(entry *ebpf.ProgramSpec) bool {
	return entry.Type == ebpf.LSM || entry.AttachType == ebpf.AttachModifyReturn
}

// tracingEvent executes programs at functions that test runs call.
func tracingEvent(entry *ebpf.ProgramSpec) (*event, error) {
	switch entry.AttachType {
	case ebpf.AttachTraceFEntry, ebpf.AttachTraceFExit, ebpf.AttachModifyReturn:
		return tracedEvent(aim{entry.AttachType, entry.AttachTo}, attachTracing)
	case ebpf.AttachTraceRawTp:
		return testRunEvent(attachTracing)
	}
	return nil, fmt.Errorf("programs of attach type %v are not executed here", entry.AttachType)
}

// tracedEvent is a test run that calls functions for tests.
func tracedEvent(a aim, attach func(*ebpf.Program) (io.Closer, error)) (*event, error) {
	trigger, err := loadProgram(&ebpf.CollectionSpec{}, nil, &ebpf.ProgramSpec{
		Name: "tailpoke_fire", Type: ebpf.Tracing, License: "GPL", AttachType: a.kind, AttachTo: a.to, Instructions: returning(0),
	})
	if err != nil {
		return nil, fmt.Errorf("functions that are called for tests alone cannot be traced here: %s", reasonOf(err))
	}
	return firedBy(trigger, attach), nil
}

func attachTracing(p *ebpf.Program) (io.Closer, error) {
	return link.AttachTracing(link.TracingOptions{Program: p})
}

// kprobed says why programs cannot be attached to an instruction of the kernel, or nil.
var kprobed = definite(func() error {
	e, err := kprobeEvent()
	if err != nil {
		return err
	}
	defer e.close()
	return e.reaches(&ebpf.ProgramSpec{Type: ebpf.Kprobe})
})

// kprobeEvent executes programs at the first instruction of a function that test runs call.
func kprobeEvent() (*event, error) {
	return tracedEvent(aim{ebpf.AttachTraceFEntry, calledByTests[0]}, func(p *ebpf.Program) (io.Closer, error) {
		return link.Kprobe(calledByTests[0], p, nil)
	})
}

// hookEvent executes programs at the hook that hardly anybody reaches.
func hookEvent() *event {
	return &event{
		attach: func(p *ebpf.Program) (io.Closer, error) { return link.AttachLSM(link.LSMOptions{Program: p}) },
		fire:   moveNothing,
	}
}

// testRunEvent is the end of a test run.
func testRunEvent(attach func(*ebpf.Program) (io.Closer, error)) (*event, error) {
	trigger, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "tailpoke_fire", Type: ebpf.SchedCLS, License: "GPL", Instructions: returning(0)})
	if err != nil {
		return nil, err
	}
	return firedBy(trigger, attach), nil
}

// firedBy is an event that a test run of a program is.
func firedBy(trigger *ebpf.Program, attach func(*ebpf.Program) (io.Closer, error)) *event {
	opts := func() *ebpf.RunOptions { // each thread has its own
		if trigger.Type() == ebpf.Tracing {
			return &ebpf.RunOptions{}
		}
		return &ebpf.RunOptions{Data: make([]byte, 64), Repeat: 1}
	}
	return &event{
		attach: attach,
		fire: func() error {
			_, err := trigger.Run(opts())
			return err
		},
		close: trigger.Close,
	}
}

// returning is a program that does nothing but return a value.
func returning(v int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, v), asm.Return()}
}

// tracepointEvent executes programs at the end of test runs, or where the context there is too small
// for them at a system call.
func tracepointEvent() (*event, error) {
	at, err := newTracepoints()
	if err != nil {
		return nil, err
	}
	e, err := testRunEvent(nil)
	if err != nil {
		return nil, err
	}
	finish := e.fire
	e.attach = at.attach
	e.fire = func() error { // one of both executes it
		at.call()
		return finish()
	}
	return e, nil
}
