package identity

import (
	"errors"
	"fmt"
	"iter"
	"maps"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// A readback is what the kernel made of a program.
type readback struct {
	insns asm.Instructions // translated, in the form that jit.ParseTranslated reads
	funcs []machineFunc
	maps  map[string]uint32 // keys of the maps that insns name

	interrupts bool // the program may run on top of others, see interrupts
}

// A machineFunc is the machine code of one function, and where it runs.
type machineFunc struct {
	addr uint64
	code []byte
}

var errRejected = errors.New("not loaded")

// load loads a sample, and reads it back.
func load(s Sample) (*readback, error) {
	coll, as, err := s.load()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRejected, err)
	}
	defer coll.Close()
	r, err := readBack(coll.Programs[s.Program], maps.Values(coll.Maps))
	if err != nil {
		return nil, err
	}
	r.interrupts = interrupts(as)
	return r, nil
}

// readBack reads a loaded program, which names none but the given maps.
func readBack(prog *ebpf.Program, named iter.Seq[*ebpf.Map]) (*readback, error) {
	info, err := prog.Info()
	if err != nil {
		return nil, err
	}
	r := &readback{maps: map[string]uint32{}}
	for m := range named {
		mi, err := m.Info()
		if err != nil {
			return nil, err
		}
		if id, ok := mi.ID(); ok {
			r.maps[mapSymbol(id)] = mi.MaxEntries
		}
	}
	if r.insns, err = info.Instructions(); err != nil {
		return nil, err
	}
	for i := range r.insns {
		undump(&r.insns[i])
	}
	r.funcs, err = functions(info)
	return r, err
}

// mapSymbol is the name by which jit.MapSymbol knows a map in what was read back.
func mapSymbol(id ebpf.MapID) string { return fmt.Sprintf("fd %d", id) }

// undump turns an instruction as bpf(2) shows it into the form that programs are written in.
// A reference to a function has its distance in another field there, next to the function's
// number.
func undump(ins *asm.Instruction) {
	ins.Metadata = asm.Metadata{}
	// The register of the verifier's own is the twelfth from 7.3 on.
	if ins.Dst == verifiersNew {
		ins.Dst = verifiersOwn
	}
	if ins.Src == verifiersNew && !ins.IsLoadFromMap() && !ins.IsFunctionCall() {
		ins.Src = verifiersOwn
	}
	switch {
	case ins.IsFunctionCall():
		ins.Constant, ins.Offset = int64(ins.Offset), 0
	case ins.IsLoadOfFunctionPointer():
		ins.Constant = int64(int32(ins.Constant))
	}
}

// The register that the verifier's own instructions use, and its number from 7.3 on.
const (
	verifiersOwn = asm.R10 + 1
	verifiersNew = asm.R10 + 2
)

// functions cuts the image into its functions.
func functions(info *ebpf.ProgramInfo) ([]machineFunc, error) {
	code, ok := info.JitedInsns()
	addrs, ok2 := info.JitedKsymAddrs()
	lens, ok3 := info.JitedFuncLens()
	if !ok || !ok2 || !ok3 || len(addrs) != len(lens) {
		return nil, errors.New("the kernel shows no machine code, which takes CAP_SYSLOG, " +
			"or kernel.kptr_restrict 0 and kernel.perf_event_paranoid 1")
	}
	var funcs []machineFunc
	for i, n := range lens {
		if int(n) > len(code) {
			return nil, errors.New("kernel shows less machine code than it says")
		}
		funcs = append(funcs, machineFunc{uint64(addrs[i]), code[:n]})
		code = code[n:]
	}
	return funcs, nil
}

// options are those of compiling what was read back.
func (r *readback) options(k *Compiler) jit.Options {
	o := jit.Options{Layout: &k.Layout, Thunks: true, Maps: map[string]jit.MapInfo{}}
	for name, n := range r.maps {
		o.Maps[name] = jit.MapInfo{Addr: someAddr, MaxEntries: n, Values: someAddr}
	}
	for _, f := range r.funcs {
		o.FuncAddrs = append(o.FuncAddrs, f.addr)
	}
	return o
}

// someAddr stands for the address of a map: like all of them, it takes eight bytes.
const someAddr = 0xffff888000000000
