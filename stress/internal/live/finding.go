package live

import (
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Class is what was wrong with an execution, or with an operation.
type Class string

// The classes; the package document says what they mean.
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

// classes ranks them, with the property that each breaks: what says most of the fault comes first.
var classes = []struct {
	class  Class
	breaks protocol.Property
}{
	{ClassConformance, protocol.Conformance},
	{ClassBytes, protocol.ExpectedBytes},
	{ClassDoubleFree, protocol.NoDoubleFree},
	{ClassEarlyFree, protocol.NoEarlyFree},
	{ClassLeak, protocol.NoLeak},
	{ClassA, protocol.NeverA},
	{ClassUAF, protocol.NoUseAfterFree},
	{ClassTorn, protocol.NoTorn},
	{ClassMiss, protocol.NoMiss},
	{ClassStale, protocol.Fresh},
	{ClassRegisters, protocol.Registers},
	{ClassCrash, protocol.Registers},
	{ClassEndless, protocol.Progress},
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

// Finding is something that broke a property.
type Finding struct {
	Class  Class
	Thread int    // that saw it first; None for others
	Who    string // of others, "" for the mutator
	Text   string
	Count  int // how often the same was kept
}

// Report puts it in the report's words. Which engine it is of, that does not know.
func (f Finding) Report() report.Finding {
	at := report.Place{Who: f.Who}
	if f.Thread != None {
		at.Thread = &f.Thread
	}
	return report.Finding{
		Property: f.Class.Property(), Class: string(f.Class), Place: at, Text: f.Text, Count: f.Count,
	}
}

// keepFindings is how many of them a result has.
const keepFindings = 16

// merge counts equal findings as one and puts those first that say most.
func merge(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		i := slices.IndexFunc(out, func(o Finding) bool { return o.Class == f.Class && o.Text == f.Text })
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].Count += f.Count
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return a.Class.rank() - b.Class.rank() })
	return out[:min(len(out), keepFindings)]
}
