package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tailpoke/stress/report"

	"github.com/cilium/ebpf/asm"
)

// Report says of how many programs our compiler makes what the kernel's makes.
type Report struct {
	report.Identity
	Seen map[string]int `json:"-"` // how often each opcode was compared
}

// Check loads programs into the running kernel, and compares its machine code with ours. A
// program that our compiler refuses counts as different, one that cannot be loaded is not
// compared. The error is [ErrUnsupported] where there is no kernel to compare with. If ctx ends, the
// report has what was compared until then. told, if set, is told after each program how many are done.
func Check(ctx context.Context, progs []Sample, told func(done, all int)) (*Report, error) {
	k, err := DetectCompiler()
	if err != nil {
		return nil, err
	}
	k.told = told
	return k.Check(ctx, progs)
}

// Check is the comparison with a target that is known.
func (k *Compiler) Check(ctx context.Context, progs []Sample) (*Report, error) {
	rep := &Report{Seen: map[string]int{}}
	rep.Differences = []report.ProgramNotes{}
	known := book{}
	for i, s := range progs {
		if ctx.Err() != nil {
			break
		}
		if k.told != nil {
			k.told(i, len(progs))
		}
		r, err := load(s)
		if errors.Is(err, errRejected) {
			why := strings.TrimPrefix(err.Error(), errRejected.Error()+": ")
			rep.Rejected = append(rep.Rejected, report.ProgramNotes{Name: s.Name, Listing: why})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		_, v, err := k.image(s.Name, r, known)
		if err != nil {
			v.difference = err.Error()
		}
		if why := r.unsupported(); why != "" && v.difference != "" {
			rep.Unsupported = append(rep.Unsupported, report.ProgramNotes{Name: s.Name, Listing: why})
			continue
		}
		rep.count(s.Name, r, v)
	}
	rep.Opcodes = len(rep.Seen)
	return rep, nil
}

func (rep *Report) count(name string, r *readback, v verdict) {
	rep.Programs++
	for i := range r.insns {
		rep.Seen[opcodeName(&r.insns[i])]++
	}
	if v.difference != "" {
		rep.Differences = append(rep.Differences, report.ProgramNotes{Name: name, Listing: v.difference})
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

// ErrUnsupported says that there is no kernel here whose images could be compared. It is an
// [errors.ErrUnsupported].
var ErrUnsupported error = unsupported{}

type unsupported struct{}

func (unsupported) Error() string        { return "the running kernel cannot be asked what it emits" }
func (unsupported) Is(target error) bool { return target == errors.ErrUnsupported }
