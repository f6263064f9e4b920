//go:build linux && amd64

package identity

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/rig"
)

const (
	lineBytes = 64
	// placeTries bounds the search for a place of which one in lineBytes is right.
	placeTries = 64 * lineBytes
)

// A match is a contest loaded on both sides. Direct sites are live.
type match struct {
	contest
	*rig.Rig // its thread never runs
	cpu      int
	entry    uint64
	coll     *ebpf.Collection
	repeat   uint32 // of a round in the kernel
}

// newMatch loads a contest; what it returns is to be closed even if there is an error.
func newMatch(t *Compiler, c contest, seed uint64) (*match, error) {
	m := &match{contest: c}
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		return m, err
	}
	for i := range len(cpus) * 64 {
		if cpus.IsSet(i) {
			m.cpu = i // the last one: most interrupts go to the first
		}
	}
	if err := m.loadKernel(); err != nil {
		return m, err
	}
	var err error
	m.Rig, err = rig.Open(rig.Config{
		Subject: protocol.DefaultSubject(), Layout: &t.Layout, Seed: seed, Arena: 1 << 20,
		Arrays: map[string]int{chainMap: len(m.programs)}, Pool: exec.PoolConfig{Threads: 1, Outcomes: []uint64{0}},
	})
	if err != nil {
		return m, err
	}
	return m, m.fill(t)
}

func (m *match) close() error {
	if m == nil {
		return nil
	}
	if m.coll != nil {
		m.coll.Close()
	}
	if m.Rig == nil {
		return nil
	}
	return m.Rig.Close()
}

func progName(i int) string { return fmt.Sprintf("p%d", i) }

func (m *match) loadKernel() error {
	n := uint32(len(m.programs))
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{}, Maps: map[string]*ebpf.MapSpec{
		chainMap: {Name: chainMap, Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: n},
	}}
	for i, insns := range m.programs {
		name := progName(i)
		spec.Programs[name] = &ebpf.ProgramSpec{Name: name, Type: ebpf.SchedCLS, License: "GPL", Instructions: insns}
	}
	var err error
	m.coll, err = ebpf.NewCollection(spec)
	return err
}

// fill loads our side's programs, and gives both maps what they hold.
func (m *match) fill(t *Compiler) error {
	for i := range m.programs {
		theirs := m.coll.Programs[progName(i)]
		prog, err := m.load(t, i, theirs)
		if err != nil {
			return fmt.Errorf("%s: program %d: %w", m.name, i, err)
		}
		if i == 0 {
			m.entry = m.Patcher.Addr(prog)
			continue
		}
		if err := errors.Join(m.Arrays[chainMap].Update(i, prog), m.coll.Maps[chainMap].Put(uint32(i), theirs)); err != nil {
			return fmt.Errorf("%s: key %d: %w", m.name, i, err)
		}
	}
	return nil
}

// load loads a program on our side, as far from the start of a cache line as the kernel's.
func (m *match) load(t *Compiler, i int, theirs *ebpf.Program) (*patcher.Program, error) {
	info, err := theirs.Info()
	if err != nil {
		return nil, err
	}
	funcs, err := functions(info)
	if err != nil {
		return nil, err
	}
	img, err := m.compile(t, i)
	if err != nil {
		return nil, err
	}
	if !m.plain {
		if err := sameImage(img, funcs[0].code); err != nil {
			return nil, err
		}
		linkThunks(img)
	}
	for range placeTries {
		prog, err := m.Patcher.Load(progName(i), rig.Image(img), patcher.PlaceAny)
		if err != nil {
			return nil, err
		}
		if m.Patcher.Addr(prog)%lineBytes == funcs[0].addr%lineBytes {
			return prog, nil
		}
		if err := m.Patcher.Unload(prog); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no place of those tried lies as %#x does", funcs[0].addr)
}

// compile compiles in the forms of the kernel, or in plain ones.
func (m *match) compile(t *Compiler, i int) (*jit.Image, error) {
	prog, err := jit.Parse(progName(i), m.programs[i])
	if err != nil {
		return nil, err
	}
	layout := t.Layout
	if m.plain {
		layout.Forms = jit.Forms{}
	}
	return jit.Compile(prog, jit.Options{Layout: &layout, Maps: m.Maps, Thunks: true})
}

// sameImage says where two images differ in more than operands that are addresses.
func sameImage(img *jit.Image, theirs []byte) error {
	ours, theirs := slices.Clone(img.Code), slices.Clone(theirs)
	for _, r := range img.Refs {
		for _, code := range [][]byte{ours, theirs} {
			if end := int(r.Off) + r.Size; end <= len(code) {
				clear(code[r.Off:end])
			}
		}
	}
	if !bytes.Equal(ours, theirs) {
		return fmt.Errorf("our image is % x, the kernel's % x", ours, theirs)
	}
	return nil
}

// The kernel's thunks for what it usually takes a CPU to be, the first with the second after it.
var (
	returnThunk    = []byte("\xc3\xcc")                                                         // ret; int3
	jumpThunk      = []byte("\xff\xe1\xcc")                                                     // jmp rcx; int3
	retpolineThunk = []byte("\xe8\x01\x00\x00\x00\xcc\x48\x89\x0c\x24\xe9\xef\xff\xff\xff\xcc") // call 1f; int3; 1: mov [rsp], rcx; jmp returnThunk; int3
)

// linkThunks puts thunks after the image, and points its jumps at them. bpf(2) does not show the
// kernel's: its jump is taken for a retpoline where the system says that it uses those.
func linkThunks(img *jit.Image) {
	jump := jumpThunk
	if how, err := os.ReadFile("/sys/devices/system/cpu/vulnerabilities/spectre_v2"); err == nil && bytes.Contains(how, []byte("Retpolines")) {
		jump = retpolineThunk
	}
	size := len(img.Code)
	img.Code = slices.Concat(img.Code, returnThunk, jump)
	for _, r := range img.Refs {
		to := size
		switch r.Kind {
		case jit.RefReturnThunk:
		case jit.RefJumpThunk:
			to += len(returnThunk)
		default:
			continue
		}
		binary.LittleEndian.PutUint32(img.Code[r.Off:], uint32(to-int(r.Off)-r.Size))
	}
}
