package stress

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/cilium/ebpf"

	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/report"
)

// ErrNoKernel says that there is no kernel here whose images could be compared.
var ErrNoKernel = identity.ErrUnsupported

// Identity compares the images of programs, byte for byte, with those of the running
// kernel: of the programs of an object file, or, without one, of a corpus with every
// opcode, of the programs of the main job and of the regression cases, and of random ones.
func Identity(object string, seed uint64, random int) (*report.Identity, error) {
	if object != "" {
		raw, err := readRegular(object, maxObject)
		if err != nil {
			return nil, err
		}
		samples, err := objectSamples(object, raw)
		if err != nil {
			return nil, err
		}
		return compared(samples)
	}
	samples, err := ownSamples()
	if err != nil {
		return nil, err
	}
	return compared(append(samples, identity.Corpus(seed, random)...))
}

func compared(samples []identity.Sample) (*report.Identity, error) {
	r, err := identity.Check(samples)
	if err != nil {
		return nil, err
	}
	return &r.Identity, nil
}

// ownSamples are the programs that we have as object files.
func ownSamples() ([]identity.Sample, error) {
	objects := regress.Objects()
	objects[defaultName] = defaultObject
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
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return identity.ObjectSamples(spec), nil
}

// readRegular reads a regular file of at most so many bytes.
func readRegular(path string, most int64) ([]byte, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case st.Size() > most:
		return nil, fmt.Errorf("%s: %d bytes are more than %d", path, st.Size(), most)
	}
	return os.ReadFile(path)
}
