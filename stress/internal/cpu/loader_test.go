package cpu

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
)

// markCopies makes all copies of the entry that are loaded from here on begin with int3: an
// execution of one of them is a fault, and tells which one it was.
func markCopies(r *run) {
	img := *r.image
	img.Code = slices.Clone(img.Code)
	img.Code[0] = exec.Int3
	r.image = &img
}

// TestCopiesAreExecuted: the entry and the copies that a script has loaded are executed in turn, the
// first ones if there are more than a pool has room for, and none that was taken out.
func TestCopiesAreExecuted(t *testing.T) {
	r := loaded(t)
	markCopies(r)
	compare := func(when string) {
		t.Helper()
		if _, err := r.Pool.Run(exec.MaxEntries, time.Minute); err != nil {
			t.Fatal(err)
		}
		seen := map[uint64]bool{}
		for _, a := range r.Pool.Anomalies() {
			seen[a.RIP] = true
		}
		want := min(len(r.copies), exec.MaxEntries-1)
		for _, p := range r.copies[:want] {
			if !seen[r.Patcher.Addr(p)] {
				t.Errorf("%s, %d copies: %s at %#x is not executed", when, len(r.copies), p.Name, r.Patcher.Addr(p))
			}
		}
		if len(seen) != want || r.Pool.Bad() == exec.MaxEntries {
			t.Errorf("%s, %d copies: %d others are executed, in %d of %d turns", when, len(r.copies), len(seen), r.Pool.Bad(), exec.MaxEntries)
		}
	}
	compare("at first")
	for range exec.MaxEntries + 1 {
		if err := r.Load(); err != nil {
			t.Fatal(err)
		}
		compare("after a load")
	}
	for len(r.copies) > 0 {
		last := r.copies[len(r.copies)-1]
		if err := r.Unload(); err != nil {
			t.Fatal(err)
		}
		compare("after an unload")
		if slices.Contains(r.copies, last) {
			t.Error("the last one is still there")
		}
	}
}

// TestLoader: beside random operations copies of the entry come, are executed, and go.
func TestLoader(t *testing.T) {
	r := loaded(t)
	markCopies(r)
	if err := r.Pool.Start(); err != nil {
		t.Fatal(err)
	}
	helpers := live.NewHelpers(func(err error) { t.Error(err) })
	helpers.Start(r.loader)
	for deadline := time.Now().Add(20 * time.Second); r.Pool.Bad() == 0 || r.driver.Counts().Loads == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%d copies were loaded and %d executions of them seen within 20 s", r.driver.Counts().Loads, r.Pool.Bad())
			break
		}
	}
	if err := helpers.Stop(); err != nil {
		t.Error(err)
	}
	r.Pool.Stop()
	for _, a := range r.Pool.Anomalies() {
		if off, _ := r.Arena.OffOf(a.RIP); a.Kind != exec.Fault || r.entry.Contains(off) {
			t.Errorf("%+v is in no copy", a)
		}
	}
	if _, err := r.Pool.Run(exec.MaxEntries, time.Minute); err != nil || r.Pool.Bad() != 0 {
		t.Errorf("%v, %+v: a copy is executed that was taken out", err, r.Pool.Anomalies())
	}
}

// TestFirstFindingIsTimed: the first finding came in when a look at the threads met with one, and
// at the end if none did.
func TestFirstFindingIsTimed(t *testing.T) {
	for _, bad := range []bool{false, true} {
		r := loaded(t)
		before := time.Now()
		r.driver.Start()
		started := time.Now()
		if bad {
			free := exec.Off(r.Arena.Size() - 1) // int3, as all that is free
			if r.locate(free) != nil {
				t.Fatal("a program lies at the end")
			}
			r.Pool.SetEntries([]uint64{r.Arena.Addr(free)})
			if _, err := r.Pool.Run(1, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if r.Bad() != bad {
			t.Fatalf("bad: %t", !bad)
		}
		looked := time.Now()
		time.Sleep(time.Millisecond)
		ended := time.Now()
		res := live.Result{Findings: []live.Finding{{Class: live.ClassUAF}}}
		r.driver.Conclude(&res)
		if first := res.FirstSeconds; bad && first > looked.Sub(before).Seconds() || !bad && first < ended.Sub(started).Seconds() {
			t.Errorf("bad %t: the first finding after %v s, of %v", bad, first, ended.Sub(before))
		}
	}
}

// TestLoadsThatFail: whatever cannot be loaded is an error of who wanted it, and nothing has begun.
func TestLoadsThatFail(t *testing.T) {
	r := loaded(t)
	good := r.image
	broken := &patcher.Image{Code: []byte{0xc3}, Landing: 99}
	r.image, r.images[0], r.images[1] = broken, broken, broken
	for name, f := range map[string]func() error{
		"a copy":      r.Load,
		"the loader":  func() error { return r.loader(t.Context().Done()) },
		"the pinned":  r.pin,
		"an install":  func() error { return r.Operate(live.Op{Kind: protocol.Install, Prog: 0}) },
		"a new burst": func() error { return r.burst(t.Context(), 0) },
	} {
		err := f()
		for n := 0; err == nil && name == "a new burst" && n < 1000; n++ { // it pins now and then
			err = f()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "load ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(r.copies) != 0 || r.current[0] != nil || r.driver.Counts().Loads != 0 {
		t.Errorf("%d copies, %v, %d loads", len(r.copies), r.current[0], r.driver.Counts().Loads)
	}
	r.image = good
	if err := r.Load(); err != nil {
		t.Error(err)
	}
}
