package workload

import (
	"strconv"
	"testing"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
)

// TestOracleOfGenerated: an entry with one site returns its own value while the key is
// empty, a program's while the key holds it, and either while that changes.
func TestOracleOfGenerated(t *testing.T) {
	w, err := Generate(protocol.Shape{Sites: 1, Programs: 2, Keys: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	o, err := w.Oracle(t.Context(), &jit.V510, w.Context)
	if err != nil {
		t.Fatal(err)
	}
	// The sum of the context's words, and its first word plus the program's number.
	const skip, p0, p1 = 1<<8 + 1<<12 + 1<<16 + 1<<20 + 1<<24, 1<<8 + 1, 1<<8 + 2
	for _, tc := range []struct {
		held []int
		want []uint64
	}{
		{[]int{live.None}, []uint64{skip}},
		{[]int{0}, []uint64{p0}},
		{[]int{1}, []uint64{p1}},
		{[]int{0, 1}, []uint64{p0, p1}},
		{[]int{live.None, 1}, []uint64{p1, skip}},
		{[]int{live.None, 0, 1}, []uint64{p0, p1, skip}},
	} {
		mask, err := o.Legal([][]int{tc.held})
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for i, out := range o.Outcomes() {
			if mask>>i&1 != 0 {
				got = append(got, out.Value)
			}
			if out.Skip != (out.Value == skip) || out.Tail == out.Skip {
				t.Errorf("outcome %+v", out)
			}
		}
		if len(got) != len(tc.want) {
			t.Fatalf("held %v: %v, want %v", tc.held, got, tc.want)
		}
		for i := range got {
			if got[i] != tc.want[i] {
				t.Errorf("held %v: %v, want %v", tc.held, got, tc.want)
			}
		}
	}
}

// TestKnownIsBounded: an oracle that is asked about ever new contents does not grow.
func TestKnownIsBounded(t *testing.T) {
	w, err := Generate(protocol.Shape{Sites: 1, Programs: 2, Keys: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	o, err := newOracle(t.Context(), w, &jit.V510, w.Context)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxKnown {
		o.known[strconv.Itoa(i)] = 0
	}
	if mask, err := o.Legal([][]int{{0}}); err != nil || mask == 0 || len(o.known) > maxKnown {
		t.Errorf("%#x, %v, %d are known", mask, err, len(o.known))
	}
}

// TestMostOutcomes: what is not known is an outcome too, for which there is a bit.
func TestMostOutcomes(t *testing.T) {
	w, err := Generate(protocol.Shape{Sites: 1, Programs: 2, Keys: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	for known, told := range map[int]bool{exec.MaxOutcomes - 1: true, exec.MaxOutcomes: false} {
		res := &interp.Result{Unknown: &interp.Outcome{Last: []string{""}}}
		for i := range known {
			res.Outcomes = append(res.Outcomes, interp.Outcome{R0: uint64(i), Last: []string{""}})
		}
		o := w.Blind(&jit.V510, w.Context)
		o.outcomes, o.last = nil, nil
		o.take(res)
		if n := len(o.Outcomes()); n > exec.MaxOutcomes || (n == known+1) != told {
			t.Errorf("%d known ones and others: %d outcomes", known, n)
		}
	}
}

// TestOracleOfObject: what the main job's program returns, computed by hand from its
// source: len 64, mark 7, protocol 8; parse_v1 gives len+0x1000, parse_v2 len+mark+0x2000.
func TestOracleOfObject(t *testing.T) {
	w := Default()
	o, err := w.Oracle(t.Context(), &jit.V510, w.Context)
	if err != nil {
		t.Fatal(err)
	}
	const length, mark, proto = 64, 7, 8
	rest := func(account uint64) uint64 { return (account + length<<16 + mark<<24 + proto) & 0xffffffff }
	v1, v2 := uint64(length+0x1000), uint64(length+mark+0x2000)
	want := map[uint64]bool{v1: false, v2: false, rest(mark + length): true, rest(v1): false, rest(v2): false}
	if len(o.Outcomes()) != len(want) {
		t.Errorf("%d outcomes, want %d", len(o.Outcomes()), len(want))
	}
	for _, out := range o.Outcomes() {
		skip, ok := want[out.Value]
		if !ok || out.Skip != skip {
			t.Errorf("outcome %+v", out)
		}
	}
	if lo, hi := o.Written(); lo != hi {
		t.Errorf("writes bytes %d to %d of its context", lo, hi)
	}
}

// TestBlindNamesPrograms: programs whose value is that of falling through are named.
func TestBlindNamesPrograms(t *testing.T) {
	o := &Oracle{
		workload: Default(), // its programs are parse_v1 and parse_v2
		outcomes: []live.Outcome{{Value: 1, Tail: true}, {Value: 2, Skip: true, Tail: true}},
		last:     [][]bool{{false, true, false}, {true, false, true}},
	}
	const want = "misses may stay unseen, as falling through returns the same as parse_v2"
	if got := o.Blind(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
