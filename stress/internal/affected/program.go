package affected

import (
	"runtime"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// Types as a program's type information has them. An extension is held against what it extends by
// the name of the context and by what is returned.
var (
	returnsInt = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	skb        = &btf.Pointer{Target: &btf.Struct{
		Name: "__sk_buff", Size: 4,
		Members: []btf.Member{{Name: "len", Type: &btf.Int{Name: "unsigned int", Size: 4}}},
	}}
)

// function makes a function of instructions. The kernel wants to know the type of one with a tail
// call, or with a program attached to it.
func function(name string, returns btf.Type, linkage btf.FuncLinkage,
	insns ...asm.Instructions) asm.Instructions {
	all := slices.Concat(insns...)
	all[0] = btf.WithFuncMetadata(all[0].WithSymbol(name), &btf.Func{
		Name: name, Linkage: linkage,
		Type: &btf.FuncProto{Return: returns, Params: []btf.FuncParam{{Name: "skb", Type: skb}}},
	})
	return all
}

// calling is the main function that calls another one and returns what that does.
func calling(name string) asm.Instructions {
	return function("entry",
		returnsInt, btf.GlobalFunc, asm.Instructions{asm.Call.Label(name), asm.Return()})
}

// tailCall is a tail call of a constant key; R1 is the context.
func tailCall(array *ebpf.Map, key int64) asm.Instructions {
	return asm.Instructions{
		asm.LoadImm(asm.R3, key, asm.DWord), asm.LoadMapPtr(asm.R2, array.FD()), asm.FnTailCall.Call(),
	}
}

// returning ends a function.
func returning(value int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, value), asm.Return()}
}

// bench is what one experiment has in the kernel. All of it is let go at the end.
type bench struct {
	closers []func() error
	race    time.Duration   // for a race
	done    <-chan struct{} // ends a race early
	err     error           // why the experiment could not be set up
}

// must ends the experiment where something could not be set up, as Fatal ends a test.
func (b *bench) must(err error) {
	if err != nil {
		b.err = err
		runtime.Goexit()
	}
}

// later has something let go at the end.
func (b *bench) later(release func() error) { b.closers = append(b.closers, release) }

// close lets go of all, the last first: what is attached before what it is attached to.
func (b *bench) close() {
	for _, release := range slices.Backward(b.closers) {
		// The kernel has nothing to say when a descriptor is closed.
		_ = release()
	}
	b.closers = nil
}

// array makes a prog array.
func (b *bench) array(keys uint32) *ebpf.Map {
	return b.table(&ebpf.MapSpec{Name: "progs",
		Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: keys})
}

// counter makes a map of one number.
func (b *bench) counter() *ebpf.Map {
	return b.table(&ebpf.MapSpec{Name: "count",
		Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
}

func (b *bench) table(spec *ebpf.MapSpec) *ebpf.Map {
	m, err := ebpf.NewMap(spec)
	b.must(err)
	b.later(m.Close)
	return m
}

// packets is a program of packets.
func packets(name string, insns ...asm.Instructions) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{
		Name: name, Type: ebpf.SchedCLS, License: license, Instructions: slices.Concat(insns...),
	}
}

const license = "Dual MIT/GPL"

// load loads a program that the kernel must take.
func (b *bench) load(spec *ebpf.ProgramSpec) *ebpf.Program {
	p, err := b.program(spec)
	b.must(err)
	return p
}

// program loads a program, or says why the kernel does not take it.
func (b *bench) program(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	spec.License = license
	p, err := ebpf.NewProgram(spec)
	if err == nil {
		b.later(p.Close)
	}
	return p, err
}

// run executes a program once.
func (b *bench) run(p *ebpf.Program) uint32 {
	r0, err := p.Run(&ebpf.RunOptions{Data: make([]byte, 64)})
	b.must(err)
	return r0
}
