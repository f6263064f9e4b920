package cpu

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// keepLoaded is how many programs addresses are looked up among.
const keepLoaded = 1024

// result sums the run up after its threads have ended.
func (r *run) result() *Result {
	res := r.counts()
	res.Bad += uint64(len(r.findings))
	res.Findings = r.findings
	for _, a := range r.Pool.Anomalies() {
		res.Findings = append(res.Findings, r.classify(a))
	}
	r.driver.Conclude(&res.Result)
	return res
}

// counts reads the counters; the run may go on.
func (r *run) counts() *Result {
	c, t := r.Pool.Counters(), exec.Traps()
	res := &Result{
		Result: r.driver.Counts(),
		PatcherCounts: report.PatcherCounts{
			Pokes: r.pokes.Load(), Waits: r.waits.Load(),
			Traps: t.Hits - r.traps.Hits, LateTraps: t.Late - r.traps.Late,
			Boosts: r.Boosts(), Boosted: r.boosted,
		},
	}
	res.Executions, res.Bad, res.Near = c.Executions, c.Anomalies, r.near.sum()
	res.Overlaps = report.Overlaps{
		Install: c.Overlaps[1+protocol.Install], Update: c.Overlaps[1+protocol.Update],
		Remove: c.Overlaps[1+protocol.Remove], Several: c.Overlaps[exec.SeveralPhases],
	}
	for i, o := range r.Oracle.Outcomes() {
		res.Count(o, c.Outcomes[i])
	}
	return res
}

// enough says whether a run with this result would say anything: so many executions are known to have
// taken a tail call, or trapped at one, as there must be cycles. Where none did, waiting is of no use.
func (res *Result) enough() bool {
	known := max(res.Tails, res.Traps)
	return res.Vacuous() == "" && (known == 0 || known >= res.MinCycles)
}

func (r *run) classify(a exec.Anomaly) live.Finding {
	f := live.Finding{Thread: a.Thread, Count: 1}
	switch a.Kind {
	case exec.BadRegisters:
		f.Class, f.Text = live.ClassRegisters, registersText(a)
		if a.RSPOff == 0 {
			f.Class = live.ClassA
		}
	case exec.BadPhase:
		f.Class, f.Text = r.phaseFinding(a)
	case exec.Fault:
		f.Class, f.Text = r.faultFinding(a)
		if off, in := r.Arena.OffOf(a.RIP); in {
			r.nameLine(&f, off)
		}
	default:
		f.Class, f.Text = live.ClassRegisters, fmt.Sprintf("returned %#x, which no path returns", a.RAX)
	}
	if kinds := r.Subject.Protocol.Readers; len(kinds) > 0 {
		f.Text += "; a " + kinds[a.Thread%len(kinds)].Name + " reader"
	}
	return f
}

// nameLine notes the source line of the code at a place.
func (r *run) nameLine(f *live.Finding, at exec.Off) {
	if p := r.locate(at); p != nil && r.compiled[p.Image] != nil {
		f.Source = r.compiled[p.Image].Line(jit.Off(p.At(at)))
	}
}

var registerNames = [6]string{"rbx", "rbp", "r12", "r13", "r14", "r15"}

func registersText(a exec.Anomaly) string {
	var lost []string
	for i, v := range a.Regs {
		if v != a.Canary[i] {
			lost = append(lost, fmt.Sprintf("%s=%#x", registerNames[i], v))
		}
	}
	s := fmt.Sprintf("returned %#x with rsp off by %d", a.RAX, a.RSPOff)
	if len(lost) > 0 {
		s += " and the caller's registers lost: " + strings.Join(lost, " ")
	}
	return s
}

// phaseFinding tells a miss from a stale program.
func (r *run) phaseFinding(a exec.Anomaly) (live.Class, string) {
	when := "between operations"
	if a.From%2 == 1 || a.To%2 == 1 {
		when = "during an operation"
	}
	for _, o := range r.Oracle.Outcomes() {
		if o.Value == a.RAX && !o.Tail && !o.Any {
			return live.ClassMiss, fmt.Sprintf(
				"returned %#x, having fallen through a key that held a program, %s", a.RAX, when)
		}
	}
	return live.ClassStale, fmt.Sprintf(
		"returned %#x, which the contents of the keys do not give, %s", a.RAX, when)
}

func (r *run) faultFinding(a exec.Anomaly) (live.Class, string) {
	if a.Signal == exec.Evicted {
		if off, in := r.Arena.OffOf(a.RIP); in {
			if p := r.locate(off); p != nil {
				return live.ClassEndless, fmt.Sprintf("was thrown out of program %s at +%#x", p.Name, p.At(off))
			}
		}
		return live.ClassEndless, fmt.Sprintf("was thrown out of its image at %#x", a.RIP)
	}
	name, trap := unix.SignalName(unix.Signal(a.Signal)), a.Signal == int(unix.SIGTRAP)
	off, in := r.Arena.OffOf(a.RIP)
	var p *patcher.Program
	if in {
		p = r.locate(off)
	}
	switch {
	case p == nil && MayTear(r.Subject.Method):
		return live.ClassTorn, fmt.Sprintf(
			"%s at %#x, where no program is: a torn jump leads anywhere", name, a.RIP)
	case p == nil && in && trap:
		return live.ClassUAF, fmt.Sprintf("trapped at arena offset %#x, where no program is", off)
	case p == nil:
		return live.ClassCrash, fmt.Sprintf(
			"%s at %#x, outside every program, address %#x", name, a.RIP, a.Addr)
	case trap && p.Gone():
		return live.ClassUAF, fmt.Sprintf("trapped in freed program %s at +%#x", p.Name, p.At(off))
	case torn(p.Image, p.At(off)):
		return live.ClassTorn, fmt.Sprintf(
			"%s in program %s at +%#x, where a slot is or no instruction begins", name, p.Name, p.At(off))
	}
	return live.ClassCrash, fmt.Sprintf(
		"%s in program %s at +%#x, address %#x", name, p.Name, p.At(off), a.Addr)
}

// MayTear reports whether a thread may execute bytes that are no instruction, or not the one
// that was meant: a poke method may do that, unless its steps are those of a built-in one.
func MayTear(m protocol.Method) bool {
	return !slices.ContainsFunc(protocol.Methods(), func(known protocol.Method) bool {
		return slices.Equal(known.Steps, m.Steps)
	})
}

// torn reports whether a fault at off cannot come from a whole instruction of the image.
func torn(img *patcher.Image, off patcher.Off) bool {
	if _, whole := slices.BinarySearch(img.Starts, off); !whole {
		return true
	}
	return slices.ContainsFunc(img.Sites, func(s patcher.Site) bool {
		return slices.ContainsFunc(s.Slots[:], func(slot patcher.Slot) bool { return slot.Off == off })
	})
}

// remember keeps a program for locate.
func (r *run) remember(p *patcher.Program) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.loaded) == keepLoaded {
		r.loaded = slices.Delete(r.loaded, 0, 1)
	}
	r.loaded = append(r.loaded, p)
}

// locate finds the program whose text is, or was last, at off.
func (r *run) locate(off exec.Off) *patcher.Program {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entry != nil && r.entry.Contains(off) {
		return r.entry
	}
	for _, p := range slices.Backward(r.loaded) {
		if p.Contains(off) {
			return p
		}
	}
	return nil
}
