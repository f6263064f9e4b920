//go:build linux && amd64

package rig

import (
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
	"go.uber.org/goleak"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/layouttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(l *jit.Layout) Config {
	return Config{
		Subject: protocol.DefaultSubject(), Layout: l, Arena: 1 << 20, Arrays: map[string]int{"progs": 2},
		Host: &host.Config{Packet: []byte("a packet of some bytes")},
		Pool: exec.PoolConfig{Threads: 1, Ctx: make([]byte, host.SkbSize)},
	}
}

func load(t *testing.T, r *Rig, name string, insns ...asm.Instruction) *patcher.Program {
	t.Helper()
	p, err := jit.Parse(name, insns)
	if err != nil {
		t.Fatal(err)
	}
	img, err := r.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := r.Patcher.Load(name, Image(img), patcher.PlaceAny)
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

// TestRig executes what there is to execute: a direct site and an indirect one, which fall through
// or jump, a helper, and the packet that the context names.
func TestRig(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	for _, l := range layouttest.All(t) {
		r, err := Open(config(l))
		if err != nil {
			t.Fatal(err)
		}
		tail := func(key asm.Instruction) asm.Instructions {
			return asm.Instructions{asm.Mov.Reg(asm.R1, asm.R6), asm.LoadMapPtr(asm.R2, 0).WithReference("progs"), key, asm.FnTailCall.Call()}
		}
		insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.LoadMem(asm.R7, asm.R1, 76, asm.Word)} // data
		insns = append(insns, tail(asm.Mov.Imm(asm.R3, 1))...)
		insns = append(insns, asm.FnGetSmpProcessorId.Call(), asm.Mov.Reg(asm.R8, asm.R0))
		insns = append(insns, tail(asm.Mov.Reg(asm.R3, asm.R8))...)
		insns = append(insns, asm.LoadMem(asm.R0, asm.R7, 0, asm.Byte), asm.Return())
		entry := load(t, r, "entry", insns...)
		if n := len(entry.Slots()); n != 1 {
			t.Fatalf("%s: %d direct sites", l.Name, n)
		}
		r.Pool.SetEntries([]uint64{r.Patcher.Addr(entry)})
		want := func(when string, want uint64) {
			t.Helper()
			if got, err := r.Pool.Run(1, time.Minute); got != want || err != nil {
				t.Errorf("%s, %s: returned %d, %v, want %d", l.Name, when, got, err, want)
			}
		}
		want("empty", 'a')
		give := func(key int, v int32) {
			t.Helper()
			if err := r.Arrays["progs"].Update(key, load(t, r, "program", asm.Mov.Imm(asm.R0, v), asm.Return())); err != nil {
				t.Fatal(err)
			}
		}
		give(0, 5)
		want("key 0 holds a program", 5)
		give(1, 6)
		want("key 1 too", 6)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("closed again: %v", err)
		}
	}
}

// TestOpenGivesBack: what was opened is closed where the rest cannot be. There is room for few
// arenas in a process.
func TestOpenGivesBack(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	for want, broken := range map[string]func(*Config){
		"arena of 1 bytes":         func(c *Config) { c.Arena = 1 },
		"threads":                  func(c *Config) { c.Pool.Threads = -1 },
		"map m: keys of":           func(c *Config) { c.Host.Maps = map[string]host.MapSpec{"m": {}} },
		`prog array "progs"`:       func(c *Config) { c.Arrays["progs"] = -1 },
		"no room for what lies at": func(c *Config) { l := *c.Layout; l.ProgFunc = 1 << 20; c.Layout = &l },
	} {
		for range 80 {
			c := config(&jit.V612)
			broken(&c)
			r, err := Open(c)
			if r != nil || err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("error %v, want %s", err, want)
			}
		}
	}
	r, err := Open(config(&jit.V612))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
