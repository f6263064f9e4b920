package kernel

import (
	"errors"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Input is what every execution is given.
type Input struct {
	Packet  []byte // at least the 14 bytes of an Ethernet header
	Context []byte // a struct __sk_buff; mark, priority and cb of it are used
}

// kinds are the types of programs whose context is a struct __sk_buff that the kernel can be asked for.
var kinds = []ebpf.ProgramType{ebpf.SchedCLS, ebpf.SchedACT, ebpf.SocketFilter, ebpf.CGroupSKB, ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit}

// Offsets in the UAPI's struct __sk_buff.
const (
	skbMark     = 8
	skbPriority = 32
	skbCB       = 48
	skbCBEnd    = 68
	skbSize     = 192 // of it all
)

// skbFields are the fields that hold numbers, by their sizes in bytes. Some types of programs may
// read each of them.
var skbFields = map[asm.Size][]int16{
	asm.Word: {
		0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 84, 88, 92, 96,
		100, 104, 108, 112, 116, 120, 124, 128, 132, 136, 160, 164, 176,
	},
	asm.DWord: {152, 184}, // tstamp, hwtstamp
	asm.Byte:  {180},      // tstamp_type
}

// skbPointers are fields that hold addresses, data_meta, flow_keys and sk: what a program finds there
// is not known, nor whether it is null. Those of the packet's ends are known.
var skbPointers = [][2]int{{140, 152}, {168, 176}}

// given is the part of the context that the kernel takes.
func (in Input) given() []byte {
	out := make([]byte, skbSize)
	for _, part := range [][2]int{{skbMark, skbMark + 4}, {skbPriority, skbPriority + 4}, {skbCB, skbCBEnd}} {
		if part[1] <= len(in.Context) {
			copy(out[part[0]:], in.Context[part[0]:part[1]])
		}
	}
	return out
}

// Seen is the context that a program of a type finds, given an input. For a struct __sk_buff the kernel
// is asked for every field, with the privileges of a run. Fields that such a program may not read are
// as they were given. unknown are the ranges of bytes, [from, to), of which the kernel cannot be asked.
func (in Input) Seen(kind ebpf.ProgramType) (ctx []byte, unknown [][2]int, err error) {
	if !slices.Contains(kinds, kind) {
		return slices.Clone(in.Context), [][2]int{{0, len(in.Context)}}, nil
	}
	ctx = make([]byte, skbSize)
	copy(ctx, in.Context)
	err = confined(func() error {
		field, err := ebpf.NewMap(&ebpf.MapSpec{Name: "tailpoke_field", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
		if err != nil {
			return err
		}
		defer field.Close()
		for size, offsets := range skbFields {
			for _, off := range offsets {
				v, err := in.field(field, kind, off, size)
				var ve *ebpf.VerifierError
				switch {
				case err == nil:
					copy(ctx[off:], v[:size.Sizeof()])
				case off == 0 || !errors.As(err, &ve):
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, refused("what a program finds in its context", err)
	}
	return ctx, skbPointers, nil
}

// field reads one field, by way of a map: not every type of program may return any value.
func (in Input) field(field *ebpf.Map, kind ebpf.ProgramType, off int16, size asm.Size) (v [8]byte, err error) {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "field", Type: kind, License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, off, size),
			asm.LoadMapValue(asm.R1, field.FD(), 0),
			asm.StoreMem(asm.R1, 0, asm.R2, size),
			asm.Mov.Imm(asm.R0, 0), asm.Return(),
		},
	})
	if err != nil {
		return v, err
	}
	defer p.Close()
	if _, err := p.Run(in.options(kind, 1)); err != nil {
		return v, err
	}
	return v, field.Lookup(uint32(0), &v)
}
