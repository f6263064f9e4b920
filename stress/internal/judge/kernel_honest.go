package judge

import (
	"cmp"
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// doubted takes back what may be the emulator's fault.
func doubted(v report.Verdict, why string) report.Verdict {
	seen := string(v.Property)
	if len(v.Findings) > 0 {
		seen = v.Findings[0].Text
	}
	if v.Reason != "" {
		seen += "; " + v.Reason
	}
	return report.Verdict{Engine: v.Engine, Verdict: protocol.Bounded, Reason: why + ": " + seen, CPUCounts: v.CPUCounts, Kernel: v.Kernel, Seconds: v.Seconds}
}

// kernelHonest takes back what a run without a finding does not say, and says what it cannot show.
func kernelHonest(v report.Verdict, w *workload.Workload, blind string, missed bool) report.Verdict {
	k := v.Kernel
	var why []string
	add := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	if k.Idle != "" {
		blind = "nothing executed it: " + k.Idle
	}
	switch {
	case v.Verdict == protocol.Vacuous:
		add("%s", v.Reason)
	case missed && v.Outcomes.Tail == 0:
		v = kernelBlind(v, false, "its executions take no tail call", add)
	case k.Checked == 0:
		v = kernelBlind(v, k.Canaries > 0 && w.Traceable() == nil, cmp.Or(blind, "no execution shows that"), add)
	case blind != "":
		add("%s", blind)
	default:
		if err := w.Traceable(); err != nil {
			add("%v", err)
		}
	}
	switch {
	case k.Unwatched == kernel.NoSite:
		add("nobody saw its sites change: %s%s", k.Unwatched, w.CalledAt(", but tail calls at "))
	case k.Unwatched != "":
		add("nobody saw its sites change: %s", k.Unwatched)
	case k.Watch.Error != "":
		add("the watcher ended early: %s", k.Watch.Error)
	}
	if w := k.Windows; w != nil && w.Across == 0 {
		v.Verdict, v.RateMax, v.Confidence = protocol.Vacuous, 0, 0
		add("no site's window is known to lie across a page, and the emulator interrupts nowhere else")
		if w.Error != "" {
			add("the search for one ended early: %s", w.Error)
		}
	}
	if k.Uncheckable != "" {
		add("no execution checked itself: %s", k.Uncheckable)
	}
	if k.Left != "" {
		add("left out: %s", k.Left)
	}
	if k.As != "" {
		add("its section names no type of program: loaded as %s, and --type says another", k.As)
	}
	v.Reason = strings.Join(why, "; ")
	return v
}

// kernelBlind is a verdict of a run that did not look at what was returned: on the slots and their
// order, as far as somebody watched, and on the registers of callers, if state A would have shown there.
func kernelBlind(v report.Verdict, registers bool, blind string, add func(string, ...any)) report.Verdict {
	var judged []string
	v.Properties = nil
	if v.Trace != nil && v.Trace.Conforms {
		judged, v.Properties = append(judged, "slots"), append(v.Properties, protocol.ExpectedBytes, protocol.Conformance)
	}
	if registers {
		judged, v.Properties = append(judged, "its caller's registers"), append(v.Properties, protocol.NeverA)
	} else {
		v.RateMax, v.Confidence = 0, 0 // of executions nothing is known
	}
	if len(judged) == 0 {
		v.Verdict = protocol.Vacuous
		add("nothing was judged: %s", blind)
		return v
	}
	add("its %s alone were judged, not what it returns: %s", strings.Join(judged, " and "), blind)
	return v
}
