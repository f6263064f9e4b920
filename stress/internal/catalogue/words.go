package catalogue

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// steps are the words of protocols, the slots first.
func steps() []report.Item {
	item := func(k protocol.StepKind, text string) report.Item {
		return report.Item{Name: k.String(), Text: text}
	}
	var out []report.Item
	site := protocol.TailCall()
	for _, slot := range site.Slots {
		text := fmt.Sprintf("a slot of %d bytes of every %s; a poke writes it", slot.Size, site.Name)
		for _, in := range slot.May {
			text += fmt.Sprintf("\n%s=%s: %s", slot.Name, in.Name, in.Does)
		}
		out = append(out, report.Item{Name: slot.Name, Text: text})
	}
	return append(out,
		item(protocol.Publish, "exchanges the map's pointer; an indirect caller acts on it from here"),
		item(protocol.Each, "runs its steps for every call site of the key"),
		item(protocol.Wait, "waits for a grace period; with \"if changed\" only if a poke before it changed a byte"),
		item(protocol.Retire, "frees the replaced program after a grace period that the operation does not wait for"),
		item(protocol.Free, "frees the replaced program at once; of an unload, the copy of the caller"),
		item(protocol.Track, "of a load: puts the sites of the copy on the map's list"),
		item(protocol.Read, "of a load: reads what the map's pointer names"),
		item(protocol.Stable, "of a load: lets operations poke the site"),
		item(protocol.Open, "of a load: lets executions begin in the copy"),
		item(protocol.Untrack, "of an unload: takes the sites of the copy off the list"),
		item(protocol.Known, "of a load: from here on the kernel knows the copy's text, and operations poke it"),
		item(protocol.Unknown, "of an unload: from here on the kernel knows that text no more"),
	)
}

// replays are what becomes of the steps of a witness that is replayed.
func replays() []report.Item {
	item := func(o report.StepOutcome, text string) report.Item {
		return report.Item{Name: string(o), Text: text}
	}
	return []report.Item{
		item(report.Taken, "every step was taken as the witness says, and the violation was seen"),
		item(report.Differs, "something was otherwise than the witness says: the machine engine is wrong"),
		item(report.NotForced, "a step needs a stale fetch, which no CPU can be made to make"),
		item(report.Refused, "a kernel makes no such move where it stands"),
		item(report.NotStepped, "the machine cannot execute images, or the witness has no instructions"),
	}
}
