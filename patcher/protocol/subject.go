package protocol

// A Property is what an execution must satisfy.
type Property string

// The properties that are judged.
const (
	// NeverA: no execution passes an open bypass and then a cleared target.
	NeverA Property = "never-a"
	// Registers: callee-saved registers and the stack pointer on return are the caller's.
	Registers Property = "registers"
	// NoTorn: no thread executes bytes that were never a whole instruction.
	NoTorn Property = "no-torn"
	// NoUseAfterFree: no thread executes in a program that has been freed.
	NoUseAfterFree Property = "no-use-after-free"
	// NoMiss: an execution that overlaps no interval from a remove's call to the next
	// install's return does not fall through.
	NoMiss Property = "no-miss"
	// Fresh: an execution runs only a program that the key held, or was being given, at
	// some moment of it.
	Fresh Property = "fresh"
	// TailLimit: at most 33 tail calls in one execution, those of its callees included.
	TailLimit Property = "tail-limit"
	// Progress: every operation ends, given that every thread gets to run.
	Progress Property = "progress"
	// ExpectedBytes: every poke finds the bytes that it expects.
	ExpectedBytes Property = "expected-bytes"
)

// An Engine judges a subject.
type Engine string

// The engines.
const (
	Model   Engine = "model"
	Machine Engine = "machine"
	CPU     Engine = "cpu"
	Kernel  Engine = "kernel"
)

// A Verdict is what an engine says of a subject.
type Verdict string

// The verdicts. Only proved and safe are statements about every execution.
const (
	Proved      Verdict = "proved"       // holds for any number of threads
	Safe        Verdict = "safe"         // holds within the stated bounds
	NotObserved Verdict = "not-observed" // no violation was seen; nothing is proved
	Violated    Verdict = "violated"     // an execution breaks a property
	Vacuous     Verdict = "vacuous"      // nothing overlapped, so nothing was tested
	Bounded     Verdict = "bounded"      // a bound was hit before an answer
	Unsupported Verdict = "unsupported"  // the engine cannot judge such a subject
	Skipped     Verdict = "skipped"      // the machine lacks what the engine needs
)

// A Subject is what is judged.
type Subject struct {
	Protocol Protocol
	Method   Method
	Grace    Grace
	Layout   string // name of a layout of package jit
	Shape    Shape
}

// DefaultSubject returns the kernel's protocol as v5.10 carries it out.
func DefaultSubject() Subject {
	return Subject{
		Protocol: Protocols()[0],
		Method:   Methods()[0],
		Grace:    Graces()[0],
		Layout:   "v5.10",
		Shape:    Shape{Threads: 16, Sites: 1, Programs: 2, Keys: 1},
	}
}
