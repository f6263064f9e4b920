package workload

import (
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/bpf"
)

// Default is the program of the main job: stress/bpf/tailcalls.c, compiled by clang.
func Default() *Workload { return builtin(bpf.Tailcalls, "dispatch") }

// Hierarchy is the program of stress/bpf/hierarchy.c, which calls itself through subprograms.
func Hierarchy() *Workload { return builtin(bpf.Hierarchy, protocol.Hierarchy) }

func builtin(name, entry string) *Workload {
	w, err := ReadObject(name, bpf.Object(name), entry)
	if err != nil {
		panic("workload: the built-in object: " + err.Error())
	}
	return w
}

// LoadObject reads a workload from an object file that clang made.
func LoadObject(path, entry string) (*Workload, error) { return LoadGiven(path, entry, Given{}) }

// LoadGiven is LoadObject with what the object's loader would add.
func LoadGiven(path, entry string, g Given) (*Workload, error) {
	raw, err := ReadRegular(path, MaxObject)
	if err != nil {
		return nil, err
	}
	return readGiven(path, raw, entry, g)
}

// ReadObject reads a workload from the bytes of an object file. The threads execute the
// program called entry; the keys of its prog arrays are given the other programs of the
// same type, or the entry itself if there is no other.
func ReadObject(name string, raw []byte, entry string) (*Workload, error) {
	return readGiven(name, raw, entry, Given{})
}

func readGiven(name string, raw []byte, entry string, g Given) (*Workload, error) {
	spec, err := decodeGiven(name, raw, g)
	if err != nil {
		return nil, err
	}
	return FromCollection(spec, Source{Object: raw, Name: name, Entry: entry, Given: g})
}

// Decode reads what an object file holds.
func Decode(name string, raw []byte) (*ebpf.CollectionSpec, error) {
	return decodeGiven(name, raw, Given{})
}

// decodeGiven reads it with what its loader would add.
func decodeGiven(name string, raw []byte, g Given) (*ebpf.CollectionSpec, error) {
	if len(raw) < len(elf.ELFMAG) || string(raw[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return nil, fmt.Errorf("%s: no ELF file: want an object that clang -target bpf -c made", name)
	}
	spec, err := readELF(raw)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file was cut off: it says that it holds more")
	}
	if err != nil && lacksBTF(raw) {
		err = errors.New("maps in .maps need BTF: compile with -g")
	}
	if err == nil {
		err = g.apply(spec)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return spec, nil
}

// lacksBTF says whether a file has maps that BTF alone describes, and no BTF.
func lacksBTF(raw []byte) bool {
	f, err := elf.NewFile(bytes.NewReader(raw))
	return err == nil && f.Section(".maps") != nil && f.Section(".BTF") == nil
}

// FromCollection makes the workload of a source that was decoded already. It keeps the collection.
func FromCollection(spec *ebpf.CollectionSpec, from Source) (*Workload, error) {
	w := &Workload{Maps: map[string]int{}, Data: Maps{}, Source: from, spec: spec}
	if err := w.readPrograms(spec, from.Entry); err != nil {
		return nil, fmt.Errorf("%s: %w", from.Name, err)
	}
	w.readMaps(spec)
	w.chooseContext(spec.Programs[from.Entry].Type)
	return w, nil
}

func (w *Workload) readPrograms(spec *ebpf.CollectionSpec, entry string) error {
	names := slices.Sorted(maps.Keys(spec.Programs))
	es, ok := spec.Programs[entry]
	switch {
	case entry == "":
		return fmt.Errorf("--object needs --entry, the name of the program that threads execute; %s", namesOf(spec))
	case !ok:
		return fmt.Errorf("no program %q; %s", entry, namesOf(spec))
	}
	for _, n := range names {
		ps := spec.Programs[n]
		if ps.Type != es.Type {
			continue
		}
		p, err := w.parse(n, ps.Instructions)
		switch {
		case err != nil && n == entry: // a kernel may take it all the same
			w.limit = cmp.Or(w.limit, fmt.Errorf("program %s: %w", n, err))
			w.Entry = &jit.Program{Name: n, Insns: ps.Instructions}
		case err != nil: // no key is given it
		case n == entry:
			w.Entry = p
		case len(w.Programs) < maxPrograms:
			w.Programs = append(w.Programs, p)
		}
	}
	if len(w.Programs) == 0 { // it can still tail call itself
		w.Programs = []*jit.Program{w.Entry}
	}
	return nil
}

// namesOf says which programs there are, first those that can be judged: the ones with tail calls.
func namesOf(spec *ebpf.CollectionSpec) string {
	var with, without []string
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		if slices.ContainsFunc(spec.Programs[name].Instructions, func(ins asm.Instruction) bool {
			return ins.IsBuiltinCall() && ins.Constant == int64(asm.FnTailCall)
		}) {
			with = append(with, name)
		} else {
			without = append(without, name)
		}
	}
	switch {
	case len(with) == 0:
		return "there are, without tail calls: " + strings.Join(without, " ")
	case len(without) == 0:
		return "there are: " + strings.Join(with, " ")
	}
	return "there are: " + strings.Join(with, " ") + "; without tail calls: " + strings.Join(without, " ")
}

// parse reads a program as it is loaded.
func (w *Workload) parse(name string, insns asm.Instructions) (*jit.Program, error) {
	insns, err := w.relocate(insns)
	if err != nil {
		return nil, err
	}
	return jit.Parse(name, besideKernel(insns))
}

// readMaps takes the maps that the programs name, and the keys that change.
func (w *Workload) readMaps(spec *ebpf.CollectionSpec) {
	for _, p := range w.all() {
		for _, m := range p.Maps() {
			ms, ok := spec.Maps[m]
			if !ok && isOfKernel(m) {
				w.Data[m] = &ebpf.MapSpec{Name: m}
				continue
			}
			if !ok && strings.HasPrefix(m, "fd ") { // .kconfig: it has no name before it is loaded
				w.Data[m] = &ebpf.MapSpec{Name: m, Type: ebpf.Array, KeySize: 4, ValueSize: kconfigSize, MaxEntries: 1}
				continue
			}
			if !ok {
				w.limit = cmp.Or(w.limit, fmt.Errorf("program %s: no map %q in the object", p.Name, m))
				continue
			}
			if ms.Type != ebpf.ProgramArray {
				w.Data[m] = ms
				continue
			}
			w.Maps[m] = int(ms.MaxEntries)
		}
	}
	w.takeKeys()
}

// kconfigSize is room for the variables of .kconfig, in bytes. Their values are a kernel's: nothing is
// known of them here, and executions outside of a kernel find zeroes.
const kconfigSize = 4096

// takeKeys takes the keys that executions read, for a change of another tests nothing: first those
// of direct sites, the entry's before those of the programs that it calls, in whatever map and of
// whatever index; then those that an indirect site of the entry may read, as many as can change.
func (w *Workload) takeKeys() {
	take := func(k protocol.Key) {
		if k.Index < w.Maps[k.Map] && len(w.Keys) < MaxKeys && !slices.Contains(w.Keys, k) {
			w.Keys = append(w.Keys, k)
		}
	}
	for _, p := range w.all() {
		for _, c := range p.TailCalls {
			if c.Const {
				take(keyOf(c))
			}
		}
	}
	for _, c := range w.Entry.TailCalls {
		from := []string{c.Map}
		switch {
		case c.Const:
			continue
		case c.Map == "": // any of them
			from = w.Entry.Maps()
		}
		for _, m := range from {
			for i := range min(w.Maps[m], MaxKeys) {
				take(protocol.Key{Map: m, Index: i})
			}
		}
	}
}

// Source is what a workload can be made from again, in another process or at another time.
type Source struct {
	Object  []byte         `json:"object,omitempty"`
	Case    string         `json:"case,omitempty"`  // of the regression cases
	Name    string         `json:"name,omitempty"`  // of the object file; "" of what is generated
	Entry   string         `json:"entry,omitempty"` // the program in it that threads execute
	Given   Given          `json:"given,omitzero"`
	Shape   protocol.Shape `json:"shape"`
	Aligned bool           `json:"aligned,omitempty"`
}

// Workload makes the workload again. byCase makes that of a regression case.
func (s Source) Workload(byCase func(name string) (*Workload, error)) (*Workload, error) {
	made := s.Shape // what of it makes a program
	made.Threads, made.Sites, made.Programs, made.Keys = 0, 0, 0, 0
	generated := s.Case == "" && s.Object == nil
	if made != (protocol.Shape{}) || !generated && s.Shape != (protocol.Shape{}) || s.Shape.Threads < 0 || s.Shape.Threads > exec.MaxThreads {
		return nil, fmt.Errorf("shape %+v: no such program is generated", s.Shape)
	}
	switch {
	case s.Case != "":
		return byCase(s.Case)
	case s.Object == nil:
		return Generate(s.Shape, s.Aligned)
	}
	return readGiven(s.Name, s.Object, s.Entry, s.Given)
}

// MaxObject bounds an object file, in bytes.
const MaxObject = 16 << 20

// ReadRegular reads a regular file of at most so many bytes.
func ReadRegular(path string, most int64) ([]byte, error) {
	st, err := os.Stat(path)
	var there *fs.PathError
	switch {
	case errors.As(err, &there): // "stat" says nothing to users
		return nil, fmt.Errorf("%s: %w", path, there.Err)
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case st.Size() > most:
		return nil, fmt.Errorf("%s: %d bytes are more than %d", path, st.Size(), most)
	}
	return os.ReadFile(path)
}
