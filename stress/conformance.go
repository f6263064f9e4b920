package stress

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/stress/native"
)

// ErrNoExec says that this machine cannot execute images.
var ErrNoExec = exec.ErrUnsupported

// ErrExecution says that a program is well formed, and that its execution went wrong.
var ErrExecution = errors.New("execution failed")

// conformanceLimit is how long a program may run.
const conformanceLimit = 5 * time.Second

// Conformance runs a program as the plugins of the bpf_conformance suite do, and returns r0:
// r1 points to the memory and r2 has its size in bytes. Both texts are bytes in hexadecimal, in
// which white space means nothing. With interpret it is the reference interpreter that runs it.
func Conformance(memory, program, layout string, interpret bool) (uint64, error) {
	l, err := jit.LayoutByName(layout)
	if err != nil {
		return 0, err
	}
	mem, err := parseHex(memory)
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	if len(mem) > exec.MaxCtx {
		return 0, fmt.Errorf("memory: %d bytes are more than %d", len(mem), exec.MaxCtx)
	}
	p, err := conformanceProgram(program, len(mem))
	if err != nil {
		return 0, fmt.Errorf("program: %w", err)
	}
	if interpret {
		return interpretOnce(p, mem, l)
	}
	m, err := native.New(native.Config{Layout: l, Programs: []*jit.Program{p}, CtxSize: len(mem)})
	if err != nil {
		return 0, err
	}
	r0, err := m.Run(p.Name, mem, conformanceLimit)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrExecution, err)
	}
	return r0, errors.Join(err, m.Close())
}

// parseHex reads bytes in hexadecimal.
func parseHex(text string) ([]byte, error) {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	return hex.DecodeString(digits)
}

// conformanceProgram reads a program, and has it begin by loading the memory's size into r2.
func conformanceProgram(text string, size int) (*jit.Program, error) {
	raw, err := parseHex(text)
	if err != nil {
		return nil, err
	}
	if len(raw)%asm.InstructionSize != 0 {
		return nil, fmt.Errorf("%d bytes are no whole instructions", len(raw))
	}
	insns, err := asm.AppendInstructions(nil, bytes.NewReader(raw), binary.LittleEndian, "linux")
	if err != nil {
		return nil, err
	}
	if _, err := jit.Parse("main", insns); err != nil { // so that its errors have the user's numbers
		return nil, err
	}
	return jit.Parse("main", append(asm.Instructions{asm.Mov.Imm(asm.R2, int32(size))}, insns...))
}

// interpretOnce runs a program in the interpreter.
func interpretOnce(p *jit.Program, mem []byte, l *jit.Layout) (uint64, error) {
	o, err := interp.Run(p, interp.World{
		Ctx: mem, Layout: l,
		Held:       func(string, uint32) []*jit.Program { return []*jit.Program{nil} },
		MaxEntries: func(string) uint32 { return 0 },
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrExecution, err)
	}
	return o.R0, nil
}
