package vm

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Document is what is to be said of a guest whose kernel went wrong: that is a finding, if it is not
// the emulator's fault.
func (r *Result) Document() *report.Document {
	f := r.Fault
	row := report.Verdict{Engine: protocol.Kernel, Seconds: f.Seconds}
	d := &report.Document{Schema: "stress/vm/1", Guest: &r.Guest}
	if f.Emulator != "" {
		d.Verdict, row.Verdict = report.NoAnswer, protocol.Bounded
		row.Reason = f.Emulator + ": " + f.Line
	} else {
		d.Verdict, row.Verdict, row.Property = report.Violated, protocol.Violated, protocol.KernelLives
		row.Reason = string(protocol.KernelLives)
		if f.After > 0 {
			row.Reason = fmt.Sprintf("%s, after %d operations", protocol.KernelLives, f.After)
		}
		row.Findings = []report.Finding{{
			Engine: protocol.Kernel, Property: protocol.KernelLives, Class: f.Kind, During: f.During,
			Place: report.Place{Who: "kernel"}, Text: f.Line, Count: 1, Log: f.Log,
		}}
	}
	d.Verdicts = []report.Verdict{row}
	return d
}
