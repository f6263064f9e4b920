package catalogue

import (
	"context"
	"maps"
	"slices"

	"tailpoke/stress/bpf"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// Identity compares the images of programs, byte for byte, with those of the running
// kernel: of the programs of object files, or, without any, of a corpus with every
// opcode, of the programs of the main job and of the regression cases, and of random ones.
func Identity(ctx context.Context, files []string, seed uint64, random int, told func(done, all int)) (*report.Identity, error) {
	if len(files) > 0 {
		return identityOf(ctx, files, told)
	}
	samples, err := ownSamples()
	if err != nil {
		return nil, err
	}
	r, err := identity.Check(ctx, append(samples, identity.Corpus(ctx, seed, random)...), told)
	if err != nil {
		return nil, err
	}
	return &r.Identity, nil
}

// ownSamples are the programs that we have as object files.
func ownSamples() ([]identity.Sample, error) {
	objects := regress.Objects()
	objects[bpf.Tailcalls] = bpf.Object(bpf.Tailcalls)
	var out []identity.Sample
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		samples, err := objectSamples(name, objects[name])
		if err != nil {
			return nil, err
		}
		for i := range samples {
			samples[i].Name = name + ": " + samples[i].Name
		}
		out = append(out, samples...)
	}
	return out, nil
}

func objectSamples(name string, raw []byte) ([]identity.Sample, error) {
	spec, err := workload.Decode(name, raw)
	if err != nil {
		return nil, err
	}
	return identity.ObjectSamples(spec), nil
}
