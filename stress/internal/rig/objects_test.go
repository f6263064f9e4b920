//go:build linux && amd64

package rig

import (
	"testing"

	"tailpoke/jit"
	"tailpoke/jit/host"
)

// TestObjects: a context that leads to kernel objects has some, whatever helpers its programs call.
func TestObjects(t *testing.T) {
	c := config(&jit.V612)
	c.Host, c.Objects = &host.Config{}, true
	r, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Host.Object() == 0 {
		t.Error("there is no object")
	}
}
