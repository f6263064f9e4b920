package workload

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"tailpoke/jit"
	"tailpoke/jit/interp"
)

// TestMemo: however many ask at once, each value is computed once, and an error is kept too.
func TestMemo(t *testing.T) {
	var m memo[int, int]
	var computed [2]atomic.Int32
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			key := i % 2
			v, err := m.get(key, func() (int, error) {
				computed[key].Add(1)
				if key == 1 {
					return 0, errors.New("odd")
				}
				return 42, nil
			})
			if key == 0 && (v != 42 || err != nil) || key == 1 && err == nil {
				t.Errorf("%d: %d, %v", key, v, err)
			}
		})
	}
	all.Wait()
	for key := range computed {
		if n := computed[key].Load(); n != 1 {
			t.Errorf("%d: computed %d times", key, n)
		}
	}
}

// TestOracleIsKept: an oracle is that of a layout and a context, not of the values that name them.
func TestOracleIsKept(t *testing.T) {
	w := Default()
	first, err := w.Oracle(t.Context(), &jit.V510, w.Context)
	if err != nil {
		t.Fatal(err)
	}
	layout, same := jit.V510, w.Context
	same.Bytes = append([]byte{}, same.Bytes...)
	if o, err := w.Oracle(t.Context(), &layout, same); o != first || err != nil {
		t.Errorf("computed again: %v", err)
	}
	same.Bytes[8]++ // the mark, which the programs return
	other, err := w.Oracle(t.Context(), &layout, same)
	if err != nil || other == first || slices.Equal(other.Outcomes(), first.Outcomes()) {
		t.Errorf("another context, the same oracle: %v", err)
	}
	if o, err := w.Oracle(t.Context(), &jit.V612, w.Context); err != nil || o == first {
		t.Errorf("another layout, the same oracle: %v", err)
	}
}

// TestOracleIsStopped: one that was stopped is no answer, and is not kept as one.
func TestOracleIsStopped(t *testing.T) {
	w := Default()
	over, end := context.WithCancel(t.Context())
	end()
	if _, err := w.Oracle(over, &jit.V510, w.Context); !errors.Is(err, interp.ErrBounded) {
		t.Errorf("error %v, want ErrBounded", err)
	}
	if _, err := w.Oracle(t.Context(), &jit.V510, w.Context); err != nil {
		t.Error(err)
	}
}

// TestCollectionIsDecodedOnce: what a kernel loads does not come from the object's bytes again, and
// who changes it changes nothing else.
func TestCollectionIsDecodedOnce(t *testing.T) {
	w := Hierarchy()
	clear(w.Source.Object)
	spec := w.Collection()
	if spec.Programs["hierarchy"] == nil {
		t.Fatalf("programs %v", spec.Programs)
	}
	was := spec.Programs["hierarchy"].Instructions[0].Constant
	spec.Programs["hierarchy"].Instructions[0].Constant++
	delete(spec.Programs, "hierarchy")
	if again := w.Collection().Programs["hierarchy"]; again == nil || again.Instructions[0].Constant != was {
		t.Errorf("changed by a user: %v", again)
	}
}
