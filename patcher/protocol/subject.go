package protocol

import "fmt"

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
	// NoDoubleFree: an operation frees or retires what it replaces no more than once.
	NoDoubleFree Property = "no-double-free"
	// NoEarlyFree: it does so only when the map's pointer names that no more.
	NoEarlyFree Property = "no-early-free"
	// NoLeak: when it returns, what it replaced and no key holds is freed or retired.
	NoLeak Property = "no-leak"
	// KernelLives: the kernel that is asked does not oops, BUG, stall or hang. A guest's end shows
	// that; an engine in that kernel cannot, but one that steers a guest from the outside.
	KernelLives Property = "kernel-lives"
)

// Properties lists them, and [Conformance].
func Properties() []Property {
	return []Property{
		NeverA, Registers, NoTorn, NoUseAfterFree, NoMiss, Fresh, Progress, ExpectedBytes, NoDoubleFree, NoEarlyFree,
		NoLeak, TailLimit, Conformance, KernelLives,
	}
}

// An Engine judges a subject.
type Engine string

// The engines.
const (
	Model   Engine = "model"
	Machine Engine = "machine"
	CPU     Engine = "cpu"
	Kernel  Engine = "kernel"
	Steered Engine = "steered"
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

// A Shape is the size of a subject.
type Shape struct {
	Threads  int // threads that execute the image
	Sites    int // direct tail-call sites in the image; site i looks up key i mod Keys
	Programs int // programs that a key may be given
	Keys     int // keys of the prog array

	// The model alone judges what follows. Zero values ask for nothing.

	// Indirect says that an execution may also reach a site that reads a key of the map
	// while it runs.
	Indirect bool
	// Same says that an update may give a key the program that it holds.
	Same bool
	// Copies is how many copies of the image come and go while operations run.
	Copies int
	// Mutators is how many agents carry out operations at a time, 0 for one.
	Mutators int
	// Nested says that a subprogram may make the tail call: the program returns into the
	// caller, which goes on at any of its sites, inside the same reader section.
	Nested bool
	// Deep says that the programs have direct sites of their own: each has one of every key that
	// the image has one of. Operations poke them as long as the program is there, after those of
	// the image, program by program.
	Deep bool
	// Maps is over how many maps the keys are spread, 0 for one: key k is one of map k mod
	// Maps. Each map has what a protocol calls the mutex of the map.
	Maps int
}

// AtLeast returns the shape that has all of s and of o.
func (s Shape) AtLeast(o Shape) Shape {
	return Shape{
		Threads: max(s.Threads, o.Threads), Sites: max(s.Sites, o.Sites),
		Programs: max(s.Programs, o.Programs), Keys: max(s.Keys, o.Keys),
		Indirect: s.Indirect || o.Indirect, Same: s.Same || o.Same,
		Copies: max(s.Copies, o.Copies), Mutators: max(s.Mutators, o.Mutators),
		Nested: s.Nested || o.Nested, Deep: s.Deep || o.Deep, Maps: max(s.Maps, o.Maps),
	}
}

// OwnSites is how many sites each program of a deep shape has.
func (s Shape) OwnSites() int { return min(s.Sites, s.Keys) }

// AllSites is how many sites there are in all images: the caller's, its copies and those of
// the programs.
func (s Shape) AllSites() int {
	n := s.Sites * (1 + s.Copies)
	if s.Deep {
		n += s.Programs * s.OwnSites()
	}
	return n
}

// Within returns an error that names the first number of s that is too small, or larger than
// that of most. The sites of all images together must be no more than most.Sites.
func (s Shape) Within(most Shape) error {
	for _, v := range []struct {
		what         string
		have, lo, hi int
	}{
		{"threads", s.Threads, 1, most.Threads},
		{"sites", s.Sites, 1, most.Sites},
		{"programs", s.Programs, 1, most.Programs},
		{"keys", s.Keys, 1, most.Keys},
		{"copies", s.Copies, 0, most.Copies},
		{"sites, counting those of copies and programs", s.AllSites(), 1, most.Sites},
		{"maps", s.Maps, 0, most.Maps},
		{"mutators", s.Mutators, 0, most.Mutators},
	} {
		if v.have < v.lo || v.have > v.hi {
			return fmt.Errorf("%d %s, not between %d and %d", v.have, v.what, v.lo, v.hi)
		}
	}
	return nil
}

// A Key names a key of a prog array.
type Key struct {
	Map   string
	Index int
}
