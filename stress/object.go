package stress

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/workload"
)

//go:embed bpf/tailcalls.o
var defaultObject []byte

//go:embed bpf/hierarchy.o
var hierarchyObject []byte

const (
	hierarchyName = "hierarchy.o"

	defaultName  = "tailcalls.o"
	defaultEntry = "dispatch"
)

// maxObject bounds an object file, in bytes.
const maxObject = 16 << 20

// DefaultTarget is the program of the main job: bpf/tailcalls.c, compiled by clang.
func DefaultTarget() *Target {
	t, err := ReadObject(defaultName, defaultObject, defaultEntry)
	if err != nil {
		panic("stress: the built-in object: " + err.Error())
	}
	return t
}

// LoadObject reads a target from an object file that clang made.
func LoadObject(path, entry string) (*Target, error) {
	raw, err := readRegular(path, maxObject)
	if err != nil {
		return nil, err
	}
	return ReadObject(path, raw, entry)
}

// ReadObject reads a target from the bytes of an object file. The threads execute the
// program called entry; the keys of its prog arrays are given the other programs of the
// same type, or the entry itself if there is no other.
func ReadObject(name string, raw []byte, entry string) (*Target, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return readCollection(spec, source{Object: raw, Name: name, Entry: entry})
}

// CaseTarget makes a target of a regression case: its first program, and the keys of its prog arrays.
func CaseTarget(name string) (*Target, error) {
	c, err := caseByName(name)
	if err != nil {
		return nil, err
	}
	spec, err := c.Collection()
	if err != nil {
		return nil, err
	}
	return readCollection(spec, source{Case: name, Name: "case " + name, Entry: c.Entry()})
}

// readCollection makes a target of what a source has.
func readCollection(spec *ebpf.CollectionSpec, from source) (*Target, error) {
	t := &Target{Object: from.Name, EntryName: from.Entry, Maps: map[string]int{}, Data: workload.Maps{}, source: from}
	if err := t.readPrograms(spec, from.Entry); err != nil {
		return nil, fmt.Errorf("%s: %w", from.Name, err)
	}
	if err := t.readMaps(spec); err != nil {
		return nil, fmt.Errorf("%s: %w", from.Name, err)
	}
	t.Context = workload.ContextOf(spec.Programs[from.Entry].Type, workload.DefaultPacket())
	return t, nil
}

func (t *Target) readPrograms(spec *ebpf.CollectionSpec, entry string) error {
	names := make([]string, 0, len(spec.Programs))
	for n := range spec.Programs {
		names = append(names, n)
	}
	slices.Sort(names)
	es, ok := spec.Programs[entry]
	if !ok {
		return fmt.Errorf("no program %q; there are: %s", entry, strings.Join(names, " "))
	}
	for _, n := range names {
		ps := spec.Programs[n]
		if ps.Type != es.Type {
			continue
		}
		p, err := jit.Parse(n, ps.Instructions)
		switch {
		case err != nil:
			return fmt.Errorf("program %s: %w", n, err)
		case n == entry:
			t.Entry = p
		case len(t.Programs) < maxPrograms:
			t.Programs = append(t.Programs, p)
		}
	}
	if len(t.Programs) == 0 { // it can still tail call itself
		t.Programs = []*jit.Program{t.Entry}
	}
	return nil
}

// readMaps takes the maps that the programs name, and the keys of the prog arrays that the
// entry names.
func (t *Target) readMaps(spec *ebpf.CollectionSpec) error {
	for _, p := range append([]*jit.Program{t.Entry}, t.Programs...) {
		for _, m := range p.Maps() {
			ms, ok := spec.Maps[m]
			if !ok && strings.HasPrefix(m, "fd ") { // it has no name before it is loaded
				return fmt.Errorf("program %s: variables of .kconfig are not supported", p.Name)
			}
			if !ok {
				return fmt.Errorf("program %s: no map %q in the object", p.Name, m)
			}
			if ms.Type != ebpf.ProgramArray {
				t.Data[m] = ms
				continue
			}
			t.Maps[m] = int(ms.MaxEntries)
		}
	}
	if _, err := t.Data.Host(); err != nil {
		return err
	}
	for _, m := range t.Entry.Maps() {
		for i := range t.Maps[m] {
			if len(t.Keys) == maxKeys {
				return nil
			}
			t.Keys = append(t.Keys, protocol.Key{Map: m, Index: i})
		}
	}
	return nil
}
