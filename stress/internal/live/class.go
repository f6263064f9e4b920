package live

import (
	"slices"

	"tailpoke/patcher/protocol"
)

// Class is what was wrong with an execution, or with an operation.
type Class string

// The classes; classes says what they mean.
const (
	ClassConformance Class = "conformance" // found by the taker of the trace
	ClassBytes       Class = "bytes"
	ClassDoubleFree  Class = "double-free"
	ClassEarlyFree   Class = "early-free"
	ClassLeak        Class = "leak"
	ClassA           Class = "a"
	ClassUAF         Class = "uaf"
	ClassTorn        Class = "torn"
	ClassMiss        Class = "miss"
	ClassStale       Class = "stale"
	ClassRegisters   Class = "registers"
	ClassCrash       Class = "crash"
	ClassEndless     Class = "endless"
)

// classes ranks them, with the property that each breaks and what was seen: what says most of the
// fault comes first.
var classes = []struct {
	class  Class
	breaks protocol.Property
	seen   string
}{
	{ClassConformance, protocol.Conformance, "the trace is no behaviour of the model"},
	{ClassBytes, protocol.ExpectedBytes, "a slot held other bytes than it may, or should"},
	{ClassDoubleFree, protocol.NoDoubleFree, "an operation let go a second time of what it replaced"},
	{ClassEarlyFree, protocol.NoEarlyFree, "an operation let go of what it replaced while the map's pointer still named it"},
	{ClassLeak, protocol.NoLeak, "an operation ended without letting go of what it replaced"},
	{ClassA, protocol.NeverA, "registers of the caller lost, stack pointer right"},
	{ClassUAF, protocol.NoUseAfterFree, "trapped in the text of a freed program"},
	{ClassTorn, protocol.NoTorn, "faulted where no instruction begins, or in a slot"},
	{ClassMiss, protocol.NoMiss, "fell through although the key held a program"},
	{ClassStale, protocol.Fresh, "ran a program that the key did not hold"},
	{ClassRegisters, protocol.Registers, "stack pointer wrong, or a value no path returns"},
	{ClassCrash, protocol.Registers, "a fault that no other class says more of"},
	{ClassEndless, protocol.Progress, "an execution or an operation did not end"},
}

// Classes lists them, in order of their ranks.
func Classes() []Class {
	var out []Class
	for _, c := range classes {
		out = append(out, c.class)
	}
	return out
}

// Properties lists what engines on real CPUs judge, beside the conformance of a trace.
func Properties() []protocol.Property {
	var out []protocol.Property
	for _, c := range classes {
		if c.class != ClassConformance && !slices.Contains(out, c.breaks) {
			out = append(out, c.breaks)
		}
	}
	return out
}

func (c Class) rank() int {
	for i, known := range classes {
		if known.class == c {
			return i
		}
	}
	panic("live: no class " + string(c))
}

// ClassOf returns the class of what breaks a property, where there is but one.
func ClassOf(p protocol.Property) Class {
	for _, known := range classes {
		if known.breaks == p {
			return known.class
		}
	}
	panic("live: no class breaks " + string(p))
}

// Property returns the property that a finding of this class breaks.
func (c Class) Property() protocol.Property { return classes[c.rank()].breaks }

// Says is what was seen.
func (c Class) Says() string { return classes[c.rank()].seen }
