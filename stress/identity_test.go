package stress

import (
	"errors"
	"testing"
)

// TestIdentity: the images of the main job's programs are the running kernel's.
func TestIdentity(t *testing.T) {
	r, err := Identity("bpf/tailcalls.o", 0, 0)
	if errors.Is(err, ErrNoKernel) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Programs != 3 || r.Identical != 3 {
		t.Errorf("%d of %d images identical: %v %v", r.Identical, r.Programs, r.Differences, r.Rejected)
	}
}
