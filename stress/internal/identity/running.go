package identity

import (
	"errors"
	"fmt"
	"strings"

	"tailpoke/jit"
)

// Running stands for the layout of the running kernel in the name of a layout. It is the kernel's
// at hand and means another thing elsewhere, so that [LayoutName] takes it out as soon as it can.
const Running = "running"

// LayoutName checks the name of a layout. It puts what the running kernel emits in the place of
// [Running], with the options and faults that follow. The error is [ErrUnsupported] where that
// cannot be found out.
func LayoutName(name string) (string, error) {
	if more, ok := strings.CutPrefix(name, Running); ok && (more == "" || more[0] == '+' || more[0] == ' ') {
		k, err := DetectCompiler()
		if err != nil {
			return "", fmt.Errorf("layout %s: %w", Running, err)
		}
		name = k.Layout.Name + more
	}
	_, err := jit.LayoutByName(name)
	if errors.Is(err, jit.ErrUnknownLayout) {
		err = fmt.Errorf("%w %s", err, Running)
	}
	return name, err
}

// String names the kernel's layout.
func (k *Compiler) String() string { return k.Layout.Name }

// StandIns says what the kernel emits that images outside of it cannot have, as its bytes name
// addresses of the kernel, and what they have in its place.
func (k *Compiler) StandIns() (all []string) {
	add := func(emits bool, what string) {
		if emits {
			all = append(all, what)
		}
	}
	add(k.Layout.Forms.Return == jit.ReturnThunk, "ret and four int3 for the jump to the return thunk")
	add(k.Layout.Forms.Jump == jit.JumpThunk,
		"jmp rcx and three int3 for an indirect site's jump to a thunk (retpoline or ITS)")
	add(k.Layout.CallDepth != jit.CallDepthNone, "nops for the count of calls (call depth)")
	add(k.PrivateStackMin != 0, fmt.Sprintf("the ordinary stack for a private one, "+
		"which programs without tail calls get from %d bytes on", k.PrivateStackMin))
	return all
}
