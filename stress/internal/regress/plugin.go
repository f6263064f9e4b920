package regress

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

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/stress/internal/child"
	"tailpoke/stress/internal/native"
)

// ErrExecution says that a program is well formed, and that its execution went wrong.
var ErrExecution = errors.New("execution failed")

// pluginLimit is how long a program may run.
const pluginLimit = 5 * time.Second

// Plugin is one program as a plugin of the public suite bpf_conformance is given it: r1 points
// to the memory, and r2 has its size in bytes. Both texts are bytes in hexadecimal, in which
// white space means nothing.
type Plugin struct {
	Memory  string `json:"memory"`
	Program string `json:"program"`
	Layout  string `json:"layout"`
	Interp  bool   `json:"-"` // run by the reference interpreter, not as an image
}

// Run returns r0. The error wraps [ErrExecution] if the execution went wrong, and
// exec.ErrUnsupported where images cannot be executed.
//
// A program of which nothing is known may write anywhere: the image runs in a child process if
// this process can have one.
func (p Plugin) Run(ctx context.Context) (uint64, error) {
	mem, prog, layout, err := p.parse()
	switch {
	case err != nil:
		return 0, err
	case p.Interp:
		return interpretOnce(prog, mem, layout)
	}
	if err := exec.Supported(); err != nil {
		return 0, err
	}
	if !child.Ready() {
		return executeOnce(prog, mem, layout)
	}
	var r pluginAnswer
	crashed, err := child.Ask(ctx, pluginWork, p, pluginLimit, &r)
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

func (p Plugin) parse() (mem []byte, prog *jit.Program, l *jit.Layout, err error) {
	if l, err = jit.LayoutByName(p.Layout); err != nil {
		return nil, nil, nil, err
	}
	if mem, err = parseHex(p.Memory); err != nil {
		return nil, nil, nil, fmt.Errorf("memory: %w", err)
	}
	if len(mem) > exec.MaxCtx {
		return nil, nil, nil, fmt.Errorf("memory: %d bytes are more than %d", len(mem), exec.MaxCtx)
	}
	if prog, err = parseProgram(p.Program); err != nil {
		return nil, nil, nil, fmt.Errorf("program: %w", err)
	}
	return mem, prog, l, nil
}

// pluginWork names the work of a child process that runs one program.
const pluginWork = "program"

// Works are what child processes do for this package.
func Works() map[string]child.Work { return map[string]child.Work{pluginWork: pluginReply} }

type pluginAnswer struct {
	R0     uint64 `json:"r0"`
	Failed bool   `json:"failed,omitempty"` // the execution did
	Error  string `json:"error,omitempty"`
}

// pluginReply runs the program that comes from in, in this process.
func pluginReply(in io.Reader) any {
	var p Plugin
	var a pluginAnswer
	err := json.NewDecoder(in).Decode(&p)
	if err == nil {
		a.R0, err = p.Run(context.Background())
	}
	if err != nil {
		a.Failed = errors.Is(err, ErrExecution)
		a.Error = strings.TrimPrefix(err.Error(), ErrExecution.Error()+": ")
	}
	return a
}

// executeOnce runs a program as machine code in this process.
func executeOnce(p *jit.Program, mem []byte, l *jit.Layout) (uint64, error) {
	m, err := native.New(native.Config{Layout: l, Programs: []*jit.Program{p}, CtxSize: len(mem)})
	if err != nil {
		return 0, err
	}
	r0, err := m.Run(p.Name, mem, pluginLimit)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrExecution, err)
	}
	return r0, errors.Join(err, m.Close())
}

func parseHex(text string) ([]byte, error) {
	digits := strings.Join(strings.Fields(text), "")
	raw, err := hex.DecodeString(digits)
	if bad, ok := errors.AsType[hex.InvalidByteError](err); ok {
		err = fmt.Errorf("%q is no hexadecimal digit", rune(bad))
	} else if err != nil {
		err = fmt.Errorf("%d hexadecimal digits: two make a byte", len(digits))
	}
	return raw, err
}

// parseProgram reads a program. The suite knows neither maps nor packets.
func parseProgram(text string) (*jit.Program, error) {
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
