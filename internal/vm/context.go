package vm

import (
	"cmp"
	"context"

	"tailpoke/internal/vm/guest"
)

// What a machine has at least that is steered: a CPU for the mutator, one for each of two readers, and
// one for who answers the host; and as much memory as a guest needs that runs nothing else, for all that
// it uses is kept in a file.
const (
	steeredCPUs   = 4
	steeredMemory = "1G"
)

func (o Options) steerable() Options {
	o.CPUs, o.Memory = max(o.CPUs, steeredCPUs), cmp.Or(o.Memory, steeredMemory)
	return o
}

// A kernel that a verb steers.
type steeredKernel struct {
	machine Options
	how     guest.How
}

type kernelKey struct{}

// WithKernel is a context in which a verb steers a kernel, in the machine that these options say.
func WithKernel(ctx context.Context, o Options) (context.Context, error) {
	o = o.steerable()
	g, err := Machine(ctx, o)
	if err != nil {
		return nil, err
	}
	return context.WithValue(ctx, kernelKey{}, steeredKernel{o, guest.How{Guest: g, Before: o.Before}}), nil
}

// KernelOf is the machine of a context.
func KernelOf(ctx context.Context) (Options, bool) {
	k, ok := ctx.Value(kernelKey{}).(steeredKernel)
	return k.machine, ok
}

// How is what is to be told of the guest in which a verb runs, or whose kernel it steers; nil where there
// is none.
func How(ctx context.Context) *guest.How {
	if k, ok := ctx.Value(kernelKey{}).(steeredKernel); ok {
		return &k.how
	}
	return guest.Here()
}
