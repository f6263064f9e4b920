package model

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// TestSpinSideBySide explores the kernel's protocol with four threads, on both sides with
// and without reductions, each in a process of its own. Answers must be the same. Figures
// are printed and not judged: they are this machine's, at this moment.
func TestSpinSideBySide(t *testing.T) {
	if !*spin {
		t.Skip("scripts/spin runs this: it takes a minute")
	}
	needSpin(t)
	const threads = 4
	s := protocol.DefaultSubject()
	dir := t.TempDir()
	fmt.Printf("%v, %d threads, %d site, %d programs, %d key\n%-40s %9s  %11s  %7s  %7s  %9s  %5s\n",
		nameOf(s), threads, s.Shape.Sites, s.Shape.Programs, s.Shape.Keys,
		"", "states", "transitions", "s", "cpu s", "states/s", "MB")
	var off, on sides
	for _, c := range []struct {
		name string
		to   *sides
		run  func() (measured, error)
	}{
		{"off: Spin, depth first", &off, panOf(dir, s, threads, small, withoutReductions)},
		{"off: Spin, breadth first", &off, panOf(dir, s, threads, small, withoutReductions, "-DBFS")},
		{"off: explorer, 1 worker", &off, explorerOf(threads, false, 1)},
		{"off: explorer, 2 workers", &off, explorerOf(threads, false, 2)},
		{"on:  Spin, partial order", &on, panOf(dir, s, threads, usual, spinFlags{})},
		{"on:  Spin, the same, small table", &on, panOf(dir, s, threads, small, spinFlags{})},
		{"on:  Spin, the same, collapse", &on, panOf(dir, s, threads, small, spinFlags{}, "-DCOLLAPSE")},
		{"on:  explorer, threads alike, 1 worker", &on, explorerOf(threads, true, 1)},
		{"on:  explorer, threads alike, 2 workers", &on, explorerOf(threads, true, 2)},
		{"on:  explorer, one thread for any number", &on, explorerOf(1, true, 1)},
	} {
		m, err := c.run()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		m.name = c.name
		fmt.Println(m)
		*c.to = append(*c.to, m)
	}
	for _, m := range off[1:] {
		if m.states != off[0].states || m.transitions != off[0].transitions {
			t.Errorf("%s: %d states, %d transitions; Spin has %d, %d",
				m.name, m.states, m.transitions, off[0].states, off[0].transitions)
		}
	}
	fmt.Printf("reductions off: the explorer's rate is %.1f times Spin's, %.1f with one worker\n",
		off.best("Spin").seconds/off.best("2 workers").seconds,
		off.best("Spin").seconds/off.best("1 worker").seconds)
	fmt.Println("reductions on:  how much more Spin takes, as it comes and at its best")
	for _, ours := range []string{"alike, 1", "alike, 2", "one thread"} {
		e, usual, best := on.best(ours), on.best("Spin, partial"), on.best("Spin")
		fmt.Printf("  than %-34s  %4.0f and %4.0f times the time, %4.1f and %4.1f times the memory\n",
			e.name[len("on:  "):], usual.seconds/e.seconds, best.seconds/e.seconds,
			usual.mb/e.mb, best.mb/e.mb)
	}
}

// A measured is a complete exploration that broke nothing, and what it took.
type measured struct {
	name string
	found
	ran
}

func (m measured) String() string {
	return fmt.Sprintf("%-40s %9d  %11d  %7.2f  %7.2f  %9.0f  %5.0f", m.name,
		m.states, m.transitions, m.seconds, m.cpu, float64(m.states)/m.seconds, m.mb)
}

type sides []measured

// best takes the least time and the least memory of all whose names have a part.
func (s sides) best(part string) measured {
	var out measured
	for _, m := range s {
		if !strings.Contains(m.name, part) {
			continue
		}
		if out.name == "" {
			out = m
		}
		out.seconds, out.mb = min(out.seconds, m.seconds), min(out.mb, m.mb)
	}
	return out
}

// A checker's table as it comes, of 128 MB, and one that just suffices.
const usual, small = "-w24", "-w22"

// panOf explores with Spin. Its stack gets the depth that it needs, 33,000.
func panOf(
	dir string, s protocol.Subject, threads int, table string, f spinFlags, gcc ...string,
) func() (measured, error) {
	return func() (measured, error) {
		f.gcc = append(append([]string{"-O2"}, gcc...), f.gcc...)
		pan, err := f.compile(dir, s, threads)
		if err != nil {
			return measured{}, err
		}
		r, err := command(dir, pan, table, "-m100000")
		if err != nil {
			return measured{}, fmt.Errorf("%v: %s", err, r.out)
		}
		f, err := readPan(r.out)
		if err == nil && len(f.first) > 0 {
			err = fmt.Errorf("Spin breaks %v", f.first)
		}
		return measured{found: f, ran: r}, err
	}
}

// explores asks this test to be the process of an exploration.
var explores = flag.String("spin.explore", "", "threads, symmetry and workers of TestSpinExplore")

// explorerOf explores with this package, in a process of its own.
func explorerOf(threads int, symmetry bool, workers int) func() (measured, error) {
	return func() (measured, error) {
		r, err := command(".", os.Args[0], "-test.run=^TestSpinExplore$",
			fmt.Sprintf("-spin.explore=%d %t %d", threads, symmetry, workers))
		m := measured{ran: r}
		if err == nil {
			_, err = fmt.Sscanf(r.out, "%d %d", &m.states, &m.transitions)
		}
		if err != nil {
			err = fmt.Errorf("%v: %s", err, r.out)
		}
		return m, err
	}
}

// TestSpinExplore is the process of one exploration.
func TestSpinExplore(t *testing.T) {
	if *explores == "" {
		t.Skip("TestSpinSideBySide starts this in a process of its own")
	}
	var threads, workers int
	var symmetry bool
	if _, err := fmt.Sscan(*explores, &threads, &symmetry, &workers); err != nil {
		t.Fatal(err)
	}
	r := check(t, protocol.DefaultSubject(),
		Options{Threads: threads, Workers: workers, NoSymmetry: !symmetry})
	if r.Verdict != protocol.Proved {
		t.Fatalf("found %s %s", r.Verdict, r.Property)
	}
	fmt.Println(r.States, r.Transitions)
}
