package kernel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Input is what every execution is given.
type Input struct {
	Packet  []byte // at least the 14 bytes of an Ethernet header
	Context []byte // a struct __sk_buff; mark, priority and cb of it are used
}

// Kinds are the types of programs that the kernel runs many times at a call, on a packet.
var kinds = []ebpf.ProgramType{ebpf.SchedCLS, ebpf.SchedACT, ebpf.SocketFilter, ebpf.CGroupSKB, ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit}

// otherContext are types of programs that the kernel runs so too, with another context than struct
// __sk_buff.
var otherContext = []ebpf.ProgramType{ebpf.XDP, ebpf.FlowDissector, ebpf.Netfilter}

// runnable says why programs of a type cannot be run here.
func runnable(kind ebpf.ProgramType) error {
	switch {
	case slices.Contains(kinds, kind):
		return nil
	case slices.Contains(otherContext, kind):
		return fmt.Errorf("%w: the context of %v programs is not known here", ErrUnsupported, kind)
	}
	return fmt.Errorf("%w: programs of type %v are not run on a packet, many times at a call", ErrUnsupported, kind)
}

// linkHeader is what the kernel takes off the packet of a test run, but for programs that see the
// header of an Ethernet device.
const linkHeader = 14

// seesLink are the types of these programs.
var seesLink = []ebpf.ProgramType{ebpf.SchedCLS, ebpf.SchedACT}

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

// options are those of one call of bpf(2).
func (in Input) options(kind ebpf.ProgramType, repeat uint32) *ebpf.RunOptions {
	o := &ebpf.RunOptions{Data: in.Packet, Repeat: repeat}
	if !slices.Contains(seesLink, kind) {
		o.Data = append(make([]byte, linkHeader), in.Packet...)
	}
	if given := in.given(); slices.ContainsFunc(given, func(b byte) bool { return b != 0 }) {
		o.Context = given
	}
	return o
}

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

// Seen is the struct __sk_buff that a program of a type finds, given an input: the kernel is asked
// for every field, with the privileges of a run. Fields that such a program may not read are as they
// were given. unknown are the ranges of bytes, [from, to), of which the kernel cannot be asked.
func (in Input) Seen(kind ebpf.ProgramType) (ctx []byte, unknown [][2]int, err error) {
	if err := runnable(kind); err != nil {
		return nil, nil, err
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
