package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
)

// Flags of a program, of the UAPI.
const sleepable = 1 << 4 // BPF_F_SLEEPABLE

// guesses are the types that a program is tried as whose section names none, after those of the
// other programs in its object: such sections are those of loaders that are told the type.
var guesses = []ebpf.ProgramType{ebpf.SchedCLS, ebpf.XDP, ebpf.SocketFilter, ebpf.Kprobe}

// load loads a sample in the forms that its object leaves open, until the kernel takes one. It
// returns how the program was loaded.
func (s Sample) load() (*ebpf.Collection, *ebpf.ProgramSpec, error) {
	spec := s.alone()
	p, ok := spec.Programs[s.Program]
	switch {
	case !ok:
		return nil, nil, fmt.Errorf("no program %s", s.Program)
	case p.Type == ebpf.Extension && p.AttachTarget == nil:
		return nil, nil, errors.New("it replaces a function of another program, which an object does not name")
	case p.Type != ebpf.UnspecifiedProgram:
		coll, err := loadAs(spec, p)
		return coll, p, err
	}
	for _, kind := range Kinds(s.Spec) {
		p.Type = kind
		if coll, err := loadAs(spec, p); err == nil {
			return coll, p, nil
		}
	}
	return nil, nil, errors.New("its section names no type of program, and it is none of those that were tried")
}

// Kinds are the types that a program of a collection is tried as whose section names none, each once.
func Kinds(spec *ebpf.CollectionSpec) (kinds []ebpf.ProgramType) {
	add := func(kind ebpf.ProgramType) {
		if kind != ebpf.UnspecifiedProgram && kind != ebpf.Extension && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	for _, name := range sortedKeys(spec.Programs) {
		add(spec.Programs[name].Type)
	}
	for _, kind := range guesses {
		add(kind)
	}
	return kinds
}

// loadAs loads the collection of one program, p. Where the verifier says that it must be allowed to
// sleep, or must not, that is tried: names of sections did not always say it.
func loadAs(spec *ebpf.CollectionSpec, p *ebpf.ProgramSpec) (*ebpf.Collection, error) {
	coll, err := newCollection(spec)
	if err == nil || !aboutSleep(err) {
		return coll, plain(err, p)
	}
	p.Flags ^= sleepable
	if coll, again := newCollection(spec); again == nil {
		return coll, nil
	}
	p.Flags ^= sleepable
	return nil, plain(err, p)
}

// newCollection loads a collection. The verifier's log costs another load, of minutes where it gives
// up: there the library would ask for it all the same.
func newCollection(spec *ebpf.CollectionSpec) (*ebpf.Collection, error) {
	quiet := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogDisabled: true}}
	coll, err := ebpf.NewCollectionWithOptions(spec.Copy(), quiet)
	if err == nil || errors.Is(err, syscall.E2BIG) {
		return coll, err
	}
	logged := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelBranch}}
	return ebpf.NewCollectionWithOptions(spec.Copy(), logged)
}

// aboutSleep says whether the verifier's reason may be that a program sleeps or does not. Up to 6.11
// helpers that sleep are not there for programs that do not.
func aboutSleep(err error) bool {
	var ve *ebpf.VerifierError
	return errors.As(err, &ve) && slices.ContainsFunc(ve.Log, func(line string) bool {
		return strings.Contains(line, "sleep") || strings.Contains(line, "cannot use helper") ||
			strings.Contains(line, "unknown func")
	})
}

// plain is an error in words that say what it means.
func plain(err error, p *ebpf.ProgramSpec) error {
	switch {
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("the kernel permits no program of type %v here", p.Type)
	case errors.Is(err, syscall.E2BIG):
		return fmt.Errorf("%w: too many instructions, or too many for the verifier to follow", err)
	}
	return err
}
