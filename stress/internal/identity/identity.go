package identity

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// Report says of how many programs our compiler makes what the kernel's makes.
type Report struct {
	Schema      string       `json:"schema"`
	Programs    int          `json:"programs"`    // loaded and compared
	Identical   int          `json:"identical"`   // byte for byte
	Opcodes     int          `json:"opcodes"`     // different ones among the translated instructions
	Differences []Difference `json:"differences"` // of the others

	// Recovered of the identical ones are so only once the depth of a stack, or another decision
	// of the verifier that bpf(2) does not show, was read off the kernel's image.
	Recovered int          `json:"recovered"`
	Rejected  []Difference `json:"rejected,omitempty"` // samples that could not be loaded, and why

	// Unsupported were loaded and not compared: their images have what package jit does not make.
	Unsupported []Difference `json:"unsupported,omitempty"`

	Seen map[string]int `json:"-"` // how often each opcode was compared
}

// A Difference is a program and what is to be said of it.
type Difference struct {
	Name    string `json:"name"`
	Listing string `json:"listing"` // both images side by side, ours on the left; or a reason
}

// reportSchema names the form of the report.
const reportSchema = "stress/identity/1"

// Check loads programs into the running kernel, and compares its machine code with ours. A
// program that our compiler refuses counts as different, one that cannot be loaded is not
// compared. The error is [ErrUnsupported] where there is no kernel to compare with.
func Check(progs []Sample) (*Report, error) {
	t, err := DetectTarget()
	if err != nil {
		return nil, err
	}
	return t.Check(progs)
}

// Check is the comparison with a target that is known.
func (t *Target) Check(progs []Sample) (*Report, error) {
	rep := &Report{Schema: reportSchema, Differences: []Difference{}, Seen: map[string]int{}}
	known := book{}
	for _, s := range progs {
		r, err := load(s)
		if errors.Is(err, errRejected) {
			rep.Rejected = append(rep.Rejected, Difference{s.Name, err.Error()})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		v, err := t.compare(s.Name, r, known)
		if err != nil {
			v.difference = err.Error()
		}
		if why := r.unsupported(); why != "" && v.difference != "" {
			rep.Unsupported = append(rep.Unsupported, Difference{s.Name, why})
			continue
		}
		rep.count(s.Name, r, v)
	}
	rep.Opcodes = len(rep.Seen)
	return rep, nil
}

// count adds one program.
func (rep *Report) count(name string, r *readback, v verdict) {
	rep.Programs++
	for i := range r.insns {
		rep.Seen[opcodeName(&r.insns[i])]++
	}
	if v.difference != "" {
		rep.Differences = append(rep.Differences, Difference{name, v.difference})
		return
	}
	rep.Identical++
	if v.recovered {
		rep.Recovered++
	}
}

// opcodeName names what an instruction does, apart from its operands.
func opcodeName(ins *asm.Instruction) string {
	op := ins.OpCode
	switch {
	case op.IsDWordLoad():
		return fmt.Sprintf("%v kind %d", op, ins.Src)
	case op.JumpOp() == asm.Call && ins.Src == 0 && asm.BuiltinFunc(ins.Constant) == asm.FnTailCall:
		return "tail call"
	case op.JumpOp() == asm.Call:
		return fmt.Sprintf("%v kind %d", op, ins.Src)
	case op.ALUOp() == asm.Swap:
		return fmt.Sprintf("%v%d", op, ins.Constant)
	case op.ALUOp() == asm.Mov && ins.Offset == -1:
		return "per CPU address"
	}
	return op.String()
}

// ErrUnsupported says that there is no kernel here whose images could be compared.
var ErrUnsupported = errors.New("no comparison with a kernel here")
