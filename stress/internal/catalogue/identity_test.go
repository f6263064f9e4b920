package catalogue

import (
	"errors"
	"testing"

	"tailpoke/stress/internal/identity"
)

// TestIdentity: the images of the main job's programs are the running kernel's.
func TestIdentity(t *testing.T) {
	r, err := Identity(t.Context(), []string{"../../bpf/tailcalls.o"}, 0, 0, nil)
	if errors.Is(err, identity.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Programs != 3 || r.Identical != 3 {
		t.Errorf("%d of %d images identical: %v %v", r.Identical, r.Programs, r.Differences, r.Rejected)
	}
}

// TestIdentityOfOwnObjects: so are those of every object file of ours, and all can be loaded.
func TestIdentityOfOwnObjects(t *testing.T) {
	samples, err := ownSamples()
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.Check(t.Context(), samples, nil)
	if errors.Is(err, identity.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Programs != len(samples) || r.Programs < 50 || r.Identical != r.Programs || r.Recovered != 0 {
		t.Errorf("%d of %d images identical of %d programs, %d with help: %v %v %v",
			r.Identical, r.Programs, len(samples), r.Recovered, r.Differences, r.Rejected, r.Unsupported)
	}
}
