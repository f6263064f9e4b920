package judge

import (
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// TestMissed: of executions that take no tail call, nothing is said but for the slots.
func TestMissed(t *testing.T) {
	judge := func(tails uint64, missed bool) report.Verdict {
		return kernelHonest(report.Verdict{
			Verdict: protocol.NotObserved, CPUCounts: &report.CPUCounts{RateMax: 0.1, Confidence: 0.95, Outcomes: report.Outcomes{Tail: tails}, Trace: &report.Trace{Conforms: true}},
			Kernel:     &report.KernelCounts{Checked: 1, Canaries: 1, Watch: &report.Watch{}},
			Properties: protocol.Properties(),
		}, workload.Default(), "", missed)
	}
	for _, v := range []report.Verdict{judge(0, false), judge(1, true)} {
		if !slices.Contains(v.Properties, protocol.NeverA) || v.RateMax == 0 || v.Reason != "" {
			t.Errorf("%s: %s, %v", v.Verdict, v.Reason, v.Properties)
		}
	}
	if v := judge(0, true); v.Verdict != protocol.NotObserved || slices.Contains(v.Properties, protocol.NeverA) || v.RateMax != 0 || !strings.Contains(v.Reason, "its slots alone") {
		t.Errorf("missed: %s: %s, %v", v.Verdict, v.Reason, v.Properties)
	}
}

// TestWindowsAcrossPages: where an emulator stops threads in windows across a page alone, a run
// without one has observed nothing; with one, and on any other machine, it stays what it is.
func TestWindowsAcrossPages(t *testing.T) {
	for _, tc := range []struct {
		name    string
		windows *report.Windows
		want    protocol.Verdict
		reason  string
	}{
		{"hardware", nil, protocol.NotObserved, ""},
		{"some", &report.Windows{Sites: 6, Across: 1, Loads: 9}, protocol.NotObserved, ""},
		{"none", &report.Windows{Sites: 6, Loads: 2000}, protocol.Vacuous, "no site's window is known to lie across a page, and the emulator interrupts nowhere else"},
		{"not known", &report.Windows{}, protocol.Vacuous, "no site's window is known to lie"},
		{"ended early", &report.Windows{Sites: 6, Loads: 3, Error: "no room"}, protocol.Vacuous, "the search for one ended early: no room"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := report.Verdict{
				Verdict: protocol.NotObserved, CPUCounts: &report.CPUCounts{RateMax: 0.1, Confidence: 0.95},
				Kernel: &report.KernelCounts{Checked: 1, Watch: &report.Watch{}, Windows: tc.windows},
			}
			got := kernelHonest(v, workload.Default(), "", false)
			if got.Verdict != tc.want || !strings.Contains(got.Reason, tc.reason) || tc.reason == "" && got.Reason != "" {
				t.Errorf("%s: %q, want %s: %q", got.Verdict, got.Reason, tc.want, tc.reason)
			}
			if bounded := got.RateMax > 0 || got.Confidence > 0; bounded != (tc.want == protocol.NotObserved) {
				t.Errorf("%s with the bound %v", got.Verdict, got.RateMax)
			}
		})
	}
}

// TestNoSiteNamesLines: where no key changes a byte of an entry, the row says where its tail calls are; it
// does not where the kernel hides its images.
func TestNoSiteNamesLines(t *testing.T) {
	for unwatched, named := range map[string]bool{kernel.NoSite: true, "its images are hidden": false} {
		v := report.Verdict{
			Verdict: protocol.NotObserved, CPUCounts: &report.CPUCounts{}, Kernel: &report.KernelCounts{Checked: 1, Unwatched: unwatched},
		}
		got := kernelHonest(v, workload.Default(), "", false).Reason
		if strings.Contains(got, unwatched+", but tail calls at tailcalls.c:") != named || !strings.Contains(got, unwatched) {
			t.Errorf("%q", got)
		}
	}
}
