package stress

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/stress/internal/native"
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
//
// A program of which nothing is known may write anywhere: the image runs in a process of its own
// if [Child] was called.
func Conformance(ctx context.Context, memory, program, layout string, interpret bool) (uint64, error) {
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
	p, err := conformanceProgram(program)
	switch {
	case err != nil:
		return 0, fmt.Errorf("program: %w", err)
	case interpret:
		return interpretOnce(p, mem, l)
	}
	if err := exec.Supported(); err != nil {
		return 0, err
	}
	if !childReady.Load() {
		return executeOnce(p, mem, l)
	}
	var r conformanceAnswer
	crashed, err := child(ctx, childConformant, conformanceJob{memory, program, layout}, conformanceLimit+childGrace, &r)
	switch {
	case err != nil:
		return 0, err
	case crashed != "":
		return 0, fmt.Errorf("%w: its process died: %s", ErrExecution, crashed)
	case r.Failed:
		return 0, fmt.Errorf("%w: %s", ErrExecution, r.Error)
	case r.Error != "":
		return 0, errors.New(r.Error)
	}
	return r.R0, nil
}

// conformanceJob is what the process of a program reads, and conformanceAnswer what it writes.
type (
	conformanceJob struct {
		Memory  string `json:"memory"`
		Program string `json:"program"`
		Layout  string `json:"layout"`
	}
	conformanceAnswer struct {
		R0     uint64 `json:"r0"`
		Failed bool   `json:"failed,omitempty"` // the execution did
		Error  string `json:"error,omitempty"`
	}
)

// conformanceReply runs the program that comes from in.
func conformanceReply(in io.Reader) (a conformanceAnswer) {
	var j conformanceJob
	err := json.NewDecoder(in).Decode(&j)
	if err == nil {
		a.R0, err = Conformance(context.Background(), j.Memory, j.Program, j.Layout, false)
	}
	if err != nil {
		a.Failed, a.Error = errors.Is(err, ErrExecution), strings.TrimPrefix(err.Error(), ErrExecution.Error()+": ")
	}
	return a
}

// executeOnce runs a program as machine code in this process.
func executeOnce(p *jit.Program, mem []byte, l *jit.Layout) (uint64, error) {
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

// conformanceProgram reads a program. The suite knows neither maps nor packets.
func conformanceProgram(text string) (*jit.Program, error) {
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
	p, err := jit.Parse("main", insns)
	if err != nil {
		return nil, err
	}
	if maps := p.Maps(); len(maps) > 0 {
		return nil, fmt.Errorf("names a map, %q: there are none here", maps[0])
	}
	for _, c := range p.Calls {
		switch c.Helper {
		case jit.LoadPacket8, jit.LoadPacket16, jit.LoadPacket32:
			return nil, fmt.Errorf("insn %d (%v): there is no packet here", c.Insn, p.Insns[c.Insn])
		}
	}
	return p, nil
}

// interpretOnce runs a program in the interpreter.
func interpretOnce(p *jit.Program, mem []byte, l *jit.Layout) (uint64, error) {
	o, err := interp.Run(p, interp.World{
		Ctx: mem, SizeInR2: true, Layout: l,
		Held:       func(string, uint32) []*jit.Program { return []*jit.Program{nil} },
		MaxEntries: func(string) uint32 { return 0 },
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrExecution, err)
	}
	return o.R0, nil
}
