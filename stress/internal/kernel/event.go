package kernel

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// Programs that bpf(2) does not execute are attached to something that the threads call, and that
// nothing else on the machine calls:
//
//	kprobe, uprobe      an instruction of a function of this process
//	fentry, fexit       functions of the kernel that test runs alone call
//	perf_event          page faults of the threads
//	tracepoint, tp_btf  the end of a test run, or a system call that hardly anybody makes
//
// So they are not attached where their sections say: a program that ran for every process there might
// be anything's undoing. Those that the verifier takes nowhere else are not executed.

// An aim changes where a program is attached.
type aim func(*ebpf.ProgramSpec)

// eventFor is what executes programs like the entry, which are aimed at it before they are loaded.
func eventFor(entry *ebpf.ProgramSpec) (*event, error) {
	switch entry.Type {
	case ebpf.Kprobe:
		return probedEvent(entry.AttachType == ebpf.AttachTraceUprobeMulti)
	case ebpf.TracePoint:
		return tracepointEvent()
	case ebpf.PerfEvent:
		return faultEvent()
	case ebpf.Tracing:
		return tracingEvent(entry)
	}
	return nil, fmt.Errorf("programs of type %v are executed for others on this machine, or by what a run does not do", entry.Type)
}

// aims are the places that programs like the entry may be given, the first that the kernel takes is
// theirs. An entry without is loaded as it is.
func aims(entry *ebpf.ProgramSpec) []aim {
	at := func(names ...string) (out []aim) {
		for _, name := range names {
			out = append(out, func(p *ebpf.ProgramSpec) { p.AttachTo = name })
		}
		return out
	}
	switch {
	case entry.Type == ebpf.Kprobe:
		var out []aim
		for _, kind := range []ebpf.AttachType{ebpf.AttachTraceUprobeMulti, ebpf.AttachNone} {
			out = append(out, func(p *ebpf.ProgramSpec) { p.AttachType, p.AttachTo = kind, "" })
		}
		return out
	case entry.Type != ebpf.Tracing:
		return nil
	case entry.AttachType == ebpf.AttachTraceFEntry, entry.AttachType == ebpf.AttachTraceFExit, entry.AttachType == ebpf.AttachModifyReturn:
		return at(tracedBy(entry.AttachType)...)
	case entry.AttachType == ebpf.AttachTraceRawTp:
		return at("bpf_test_finish")
	}
	return nil
}

// tracedBy are the functions that a test run of a program of such an attach type calls.
func tracedBy(at ebpf.AttachType) []string {
	if at == ebpf.AttachModifyReturn {
		return []string{"bpf_modify_return_test"}
	}
	return []string{
		"bpf_fentry_test1", "bpf_fentry_test2", "bpf_fentry_test3", "bpf_fentry_test4", "bpf_fentry_test5",
		"bpf_fentry_test6", "bpf_fentry_test7", "bpf_fentry_test8",
	}
}

// tracingEvent executes programs at functions that test runs call.
func tracingEvent(entry *ebpf.ProgramSpec) (*event, error) {
	switch entry.AttachType {
	case ebpf.AttachTraceFEntry, ebpf.AttachTraceFExit, ebpf.AttachModifyReturn:
		trigger, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Name: "tailpoke_fire", Type: ebpf.Tracing, License: "GPL", AttachType: entry.AttachType, AttachTo: tracedBy(entry.AttachType)[0],
			Instructions: returning(0),
		})
		if err != nil {
			return nil, fmt.Errorf("functions that are called for tests alone cannot be traced here: %s", reasonOf(err))
		}
		return firedBy(trigger, attachTracing), nil
	case ebpf.AttachTraceRawTp:
		return testRunEvent(attachTracing)
	}
	return nil, fmt.Errorf("programs of attach type %v are not executed here", entry.AttachType)
}

func attachTracing(p *ebpf.Program) (io.Closer, error) {
	return link.AttachTracing(link.TracingOptions{Program: p})
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
