package regress

import _ "embed"

// Cases lists the cases, in the kernel's order, with those of our own after what they sharpen.
func Cases() []Case {
	var out []Case
	for _, some := range [][]Case{
		mainCases(), functionCases(), hierarchyCases(), {pokeCase()},
		jitCases(), suiteCases(), {sockex3Case()}, {tracex5Case()},
	} {
		out = append(out, some...)
	}
	return out
}

// The objects that scripts/gen makes of bpf/*.c.
var (
	//go:embed bpf/tailcall.o
	tailcallObject []byte
	//go:embed bpf/bpf2bpf.o
	bpf2bpfObject []byte
	//go:embed bpf/hierarchy.o
	hierarchyObject []byte
	//go:embed bpf/sockex3.o
	sockex3Object []byte
	//go:embed bpf/tracex5.o
	tracex5Object []byte
)

var (
	tailcallELF  = newELF("tailcall.o", tailcallObject)
	bpf2bpfELF   = newELF("bpf2bpf.o", bpf2bpfObject)
	hierarchyELF = newELF("hierarchy.o", hierarchyObject)
	sockex3ELF   = newELF("sockex3.o", sockex3Object)
	tracex5ELF   = newELF("tracex5.o", tracex5Object)
)

// Objects are the object files that cases take programs from, by name.
func Objects() map[string][]byte {
	return map[string][]byte{
		"tailcall.o": tailcallObject, "bpf2bpf.o": bpf2bpfObject, "hierarchy.o": hierarchyObject,
		"sockex3.o": sockex3Object, "tracex5.o": tracex5Object,
	}
}

// runs runs the entry with a packet.
func runs(packet []byte, want Want) Run { return Run{Input: Input{Packet: packet}, Want: want} }

// gives runs the entry with a packet that is not looked at.
func gives(r0 uint32) Run { return runs(plain, Want{R0: r0}) }

// until612 is a run that had another result before all functions shared one count and a miss
// was free.
func (r Run) until612(w Want) Run {
	r.But = map[Era]Want{Seed: w, V510: w}
	return r
}

// but is a run with another result in one era.
func (r Run) but(e Era, w Want) Run {
	but := map[Era]Want{e: w}
	for era, w := range r.But {
		but[era] = w
	}
	r.But = but
	return r
}

// neverEnds is what becomes of a run that the limit does not end.
var neverEnds = Want{Endless: true, Breaks: TailLimit}
