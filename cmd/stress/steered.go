package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/pflag"

	"tailpoke/internal/vm"
)

// steers reports whether a verb with these flags runs on this machine, and steers the kernel of a guest:
// one that asks the engine steered. Engines that run in a kernel are not asked in the same breath.
func steers(f *pflag.FlagSet) (bool, error) {
	flag := f.Lookup("engine")
	list, ok := pflag.SliceValue(nil), false
	if flag != nil {
		list, ok = flag.Value.(pflag.SliceValue)
	}
	if !ok || !slices.Contains(list.GetSlice(), steeredName) {
		return false, nil
	}
	for _, name := range list.GetSlice() {
		if name == "cpu" || name == "kernel" {
			return false, usagef("--engine %s,%s: the one runs in the guest, and the other holds that from the outside: ask one after the other", name, steeredName)
		}
	}
	return true, nil
}

// steeredName is the engine's.
const steeredName = "steered"

// steer runs a verb on this machine that steers the kernel of a guest.
func steer(ctx context.Context, o vm.Options, args []string) (code int, err error) {
	if ctx, err = withKernel(ctx, o); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, vm.ErrTime)
	defer cancel()
	root := newRoot()
	root.SetOut(o.Stdout)
	root.SetErr(o.Stderr)
	root.SetArgs(args)
	return exitCode(root.ExecuteContext(ctx), o.Stderr), nil
}

// withKernel is a context in which a verb steers a kernel. The error has its exit code.
func withKernel(ctx context.Context, o vm.Options) (context.Context, error) {
	with, err := vm.WithKernel(ctx, o)
	switch {
	case errors.Is(err, vm.ErrMissing) || errors.Is(err, errors.ErrUnsupported):
		return nil, &exit{codeMissing, err}
	case err != nil:
		return nil, failed(err)
	}
	return with, nil
}
