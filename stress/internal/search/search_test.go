package search

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// searched runs a search of one operation on the default subject.
func searched(t *testing.T, op protocol.OpKind, steps int) report.OpSearch {
	t.Helper()
	r, err := Run(context.Background(), protocol.DefaultSubject(),
		Options{Op: op.String(), Steps: steps, Sites: 64})
	if err != nil {
		t.Fatal(err)
	}
	return r.Searches[0]
}

func named(s *report.OpSearch, name string) *report.Found {
	for i := range s.Found {
		if s.Found[i].Name == name {
			return &s.Found[i]
		}
	}
	return nil
}

// TestSearchFindsTheKnown: lazy, batched and the kernel's order are among the texts of
// up to 5 steps, in this order of costs.
func TestSearchFindsTheKnown(t *testing.T) {
	steps := 5
	if raceBuild {
		// Ten times slower; TestKnownAmongCandidates has the longer ones.
		t.Log("the race detector is on: up to 4 steps alone")
		steps = 4
	}
	s := searched(t, protocol.Remove, steps)
	checkFound(t, s)
	lazy := named(&s, "lazy")
	if lazy == nil || lazy.Rank != 1 || lazy.Cost != cost(0, 64) || lazy.Leaves != "D" || lazy.Callers != report.AllCallers || lazy.Orders != 2 {
		t.Errorf("lazy: %+v", lazy)
	}
	for _, f := range s.Found {
		if f.Text == "publish; each { bypass=jump; target=nop }; retire" {
			t.Error("found no-grace")
		}
	}
	if steps < 5 {
		return
	}
	for _, c := range []struct {
		name    string
		cost    report.Cost
		callers report.Callers
	}{
		{"batched", cost(1, 128), report.AllCallers}, {"kernel", cost(64, 128), report.AllCallers}, {"free-after-wait", cost(64, 128), report.DirectCallers},
	} {
		f := named(&s, c.name)
		if f == nil || f.Cost != c.cost || f.Callers != c.callers || f.Leaves != "C" || !f.First || f.Spare {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	s.Found = nil
	want := report.OpSearch{
		Op: "remove", Enumerated: 100_760,
		Pruned:     report.SearchPruned{Silent: 67_063, Leaks: 12_351, Frees: 1_564, Early: 8_600, Repeats: 9_278},
		Candidates: 1_904, Judged: 1_904, Safe: 269, Spare: 204, Classes: 15,
		Refuted: map[protocol.Property]int{protocol.Fresh: 94, protocol.NeverA: 684, protocol.NoUseAfterFree: 857},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("counts:\n%s", diff)
	}
}

// checkFound holds of every search: what is printed parses back and the model proves it,
// on a shape of its own; the order is that of the costs.
func checkFound(t *testing.T, s report.OpSearch) {
	t.Helper()
	if n := s.Pruned.Silent + s.Pruned.Leaks + s.Pruned.Frees + s.Pruned.Early + s.Pruned.Repeats + s.Candidates; n != s.Enumerated {
		t.Errorf("%d texts were enumerated, %d were pruned or are candidates", s.Enumerated, n)
	}
	if s.Safe != len(s.Found) || s.Safe == 0 {
		t.Errorf("%d safe, %d found", s.Safe, len(s.Found))
	}
	if !slices.IsSortedFunc(s.Found, func(f, g report.Found) int { return slices.Compare([]int{f.Waits, f.Pokes}, []int{g.Waits, g.Pokes}) }) {
		t.Error("not in the order of the costs")
	}
	rank, members := 0, map[int]int{}
	for _, f := range s.Found {
		p, err := protocol.ParseProtocol(f.Protocol)
		if err != nil {
			t.Fatalf("%s: %v", f.Protocol, err)
		}
		if p.String() != f.Protocol || !strings.Contains(f.Protocol, f.Text+"\n") {
			t.Errorf("%s\nprints as\n%v", f.Protocol, p)
		}
		if f.Spare != (f.Rank == 0) || f.Spare && f.First {
			t.Errorf("%+v", f)
		}
		if !f.Spare {
			if f.Rank < rank {
				t.Errorf("%s: rank %d behind %d", f.Text, f.Rank, rank)
			}
			rank = f.Rank
			members[f.Class]++
		}
		if !f.First {
			continue
		}
		subject := protocol.DefaultSubject()
		subject.Protocol, subject.Shape.Sites = p, 3
		r, err := model.Check(subject, model.Options{})
		if err != nil || r.Verdict != protocol.Proved {
			t.Errorf("%s: %v, %v", f.Text, r, err)
		}
	}
	for _, f := range s.Found {
		if f.First && (f.Orders < 1 || f.Orders > members[f.Class]) {
			t.Errorf("%s stands for %d orders of %d", f.Text, f.Orders, members[f.Class])
		}
	}
}

// TestKnownAmongCandidates: the built-in removes are enumerated, survive the pruning,
// and are safe.
func TestKnownAmongCandidates(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it, and it takes seconds")
	}
	subject := protocol.DefaultSubject()
	_, all := candidatesOf(context.Background(), subject.Protocol, protocol.Remove, 5)
	names := knownBehaviours(protocol.Remove)
	var found []string
	for _, c := range all {
		if name := names[c.behaviour]; name != "" {
			if err := c.judge(context.Background(), subject); err != nil || c.verdict != protocol.Proved {
				t.Errorf("%s: %v %v", name, c.verdict, err)
			}
			found = append(found, name)
		}
	}
	slices.Sort(found)
	if diff := cmp.Diff([]string{"batched", "free-after-wait", "kernel", "lazy"}, found); diff != "" {
		t.Error(diff)
	}
}

func TestSearchInstallAndUpdate(t *testing.T) {
	for op, want := range map[protocol.OpKind][]string{
		protocol.Install: {"kernel", "two-pass-install"}, protocol.Update: {"kernel"},
	} {
		s := searched(t, op, 3)
		checkFound(t, s)
		for _, name := range want {
			if f := named(&s, name); f == nil || f.Rank != 1 || f.Waits != 0 {
				t.Errorf("%v: %s: %+v", op, name, f)
			}
		}
	}
}

// TestPruning judges every short text without any pruning. A text that was pruned
// because it repeats another is safe if and only if the other one is; the rest of the
// reasons are read from the text alone.
func TestPruning(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it, and it takes seconds")
	}
	subject := protocol.DefaultSubject()
	for _, op := range allOps {
		out, all := candidatesOf(context.Background(), subject.Protocol, op, 3)
		verdicts := map[string]protocol.Verdict{} // by behaviour
		for _, c := range all {
			if err := c.judge(context.Background(), subject); err != nil {
				t.Fatal(err)
			}
			verdicts[c.behaviour] = c.verdict
		}
		var pruned report.SearchPruned
		seen := map[string]bool{}
		for _, w := range allWords(op, 3) {
			c := newCandidate(subject.Protocol, op, w)
			text := stepsText(stepsOf(w))
			publishes, frees := strings.Count(text, "publish"), strings.Count(text, "retire")+strings.Count(text, "free")
			before, _, _ := strings.Cut(text, "publish")
			early := strings.Contains(before, "retire") || strings.Contains(before, "free")
			switch {
			case publishes == 0:
				pruned.Silent++
			case publishes == 1 && frees == 0 && op.Replaces():
				pruned.Leaks++
			case publishes == 1 && early:
				pruned.Early++
			case publishes == 1 && frees > 1:
				pruned.Frees++
			case publishes > 1 || seen[c.behaviour]:
				pruned.Repeats++
			}
			if publishes == 0 || early || frees > 1 || frees == 0 && op.Replaces() {
				continue // nobody stands for it
			}
			seen[c.behaviour] = true
			if err := c.judge(context.Background(), subject); err != nil {
				t.Fatal(err)
			}
			if want, ok := verdicts[c.behaviour]; !ok || want != c.verdict {
				t.Errorf("%v %s is %s; what stands for it is %q", op, text, c.verdict, want)
			}
		}
		if diff := cmp.Diff(pruned, out.Pruned); diff != "" {
			t.Errorf("%v: pruned:\n%s", op, diff)
		}
	}
}

// TestFaultyRestRefutesAll: where grace periods are none, no operation makes the
// protocol safe, for its others free programs too early.
func TestFaultyRestRefutesAll(t *testing.T) {
	for _, g := range protocol.Graces()[1:] {
		s := protocol.DefaultSubject()
		s.Grace = g
		r, err := Run(context.Background(), s, Options{Op: "all", Steps: 3, Sites: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range r.Searches {
			if o.Safe != 0 || o.Judged != o.Candidates || len(o.Refuted) == 0 {
				t.Errorf("%s: %+v", g.Name, o)
			}
		}
	}
}

// TestSearchIsDeterministic: how many CPUs there are changes nothing but the time.
func TestSearchIsDeterministic(t *testing.T) {
	s := searched(t, protocol.Remove, 3)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if diff := cmp.Diff(s, searched(t, protocol.Remove, 3)); diff != "" {
		t.Error(diff)
	}
}

// TestSearchEnds: a search that is ended has what was judged until then.
func TestSearchEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := Run(ctx, protocol.DefaultSubject(), Options{
		Op: "all", Steps: 4, Sites: 1,
		Progress: func(_ string, judged, _ int) {
			if judged == 100 {
				cancel()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Searches) != 1 {
		t.Fatalf("%d searches", len(r.Searches))
	}
	s := r.Searches[0]
	if s.Judged < 90 || s.Judged >= s.Candidates || s.Safe == 0 || len(s.Found) != s.Safe {
		t.Errorf("%d of %d judged, %d safe, %d found", s.Judged, s.Candidates, s.Safe, len(s.Found))
	}
}

// TestStoppedJudge: a check that was stopped has no verdict, though the model says bounded.
func TestStoppedJudge(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := protocol.DefaultSubject()
	c := candidate{protocol: s.Protocol}
	if err := c.judge(ctx, s); err != nil || c.verdict != "" {
		t.Errorf("%q %v", c.verdict, err)
	}
}

func TestSearchRefuses(t *testing.T) {
	const op = "remove"
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Op: op, Steps: 0, Sites: 1}, "0 steps: want 1 to 6"},
		{Options{Op: op, Steps: MaxSteps + 1, Sites: 1}, "7 steps: want 1 to 6"},
		{Options{Op: op, Steps: 3, Sites: 0}, "0 sites: want 1 or more"},
	} {
		if _, err := Run(context.Background(), protocol.DefaultSubject(), c.o); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	long := protocol.DefaultSubject()
	var err error
	if long.Method, err = protocol.ParseMethod("method long\n all" + strings.Repeat("; sync", 63)); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), long, Options{Op: op, Steps: 3, Sites: 1}); !errors.Is(err, model.ErrUnsupported) {
		t.Errorf("%v, want that the model cannot judge it", err)
	}
	kinds := protocol.DefaultSubject()
	kinds.Protocol = protocol.FaultyProtocols()[0]
	_, err = Run(context.Background(), kinds, Options{Op: op, Steps: 3, Sites: 1})
	if err == nil || !strings.Contains(err.Error(), "kernel-7.0 has kinds of readers") {
		t.Errorf("%v", err)
	}
	_, err = Run(context.Background(), protocol.DefaultSubject(), Options{Op: "delete", Steps: 3, Sites: 1})
	if err == nil || !strings.Contains(err.Error(), "install update remove") {
		t.Errorf("%v", err)
	}
}

func TestPerSite(t *testing.T) {
	for want, c := range map[string][2]int{"0": {0, 0}, "3": {0, 3}, "N": {1, 0}, "2N": {2, 0}, "N+1": {1, 1}, "2N+2": {2, 2}} {
		if got := perSite(c[0], c[1]); got != want {
			t.Errorf("%v: %s, want %s", c, got, want)
		}
	}
}

func ExampleRun() {
	r, err := Run(context.Background(), protocol.DefaultSubject(),
		Options{Op: "remove", Steps: 3, Sites: 64})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range r.Searches[0].Best(3) {
		fmt.Printf("%d. %s: %d grace periods, %d pokes\n", f.Rank, f.Text, f.Waits, f.Pokes)
	}
	// Output:
	// 1. publish; each { bypass=jump }; retire: 0 grace periods, 64 pokes
}
