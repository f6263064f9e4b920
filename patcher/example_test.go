//go:build linux && amd64

package patcher_test

import (
	"fmt"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
)

// Any compiler's images will do. These are written by hand: a caller with one site, which returns
// 1 while its key is empty, and a program that the key is given, which returns v.
func images(v byte) (caller, program *patcher.Image) {
	caller = &patcher.Image{
		Code: []byte{
			0xe9, 0x05, 0x00, 0x00, 0x00, //  0: jmp out, or nop: slot 0
			0x0f, 0x1f, 0x44, 0x00, 0x00, //  5: nop, or jmp to the program: slot 1
			0xb8, 0x01, 0x00, 0x00, 0x00, // 10: out: mov eax, 1
			0xc3, //                         15: ret
		},
		Starts: []patcher.Off{0, 5, 10, 15},
		Sites:  []patcher.Site{{Array: "jmp_table", Key: 3, Slots: [protocol.Slots]patcher.Slot{{Off: 0, Out: 10}, {Off: 5}}}},
	}
	program = &patcher.Image{
		Code: []byte{
			0xf4,                      // 0: hlt, which a tail call passes by
			0xb8, v, 0x00, 0x00, 0x00, // 1: mov eax, v
			0xc3, //                      6: ret
		},
		Starts:  []patcher.Off{0, 1, 6},
		Landing: 1,
	}
	return caller, program
}

func Example() {
	err := run()
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// empty: 1
	// installed: 2
	// updated: 3
	// removed: 1
}

func run() error {
	arena, err := exec.NewArena(1 << 20)
	if err != nil {
		return err
	}
	defer arena.Close()
	pool, err := exec.NewPool(exec.PoolConfig{Threads: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	s := protocol.DefaultSubject()
	p, err := patcher.New(patcher.Config{
		Arena: arena, Domain: rcu.New(pool, s.Grace, false), Protocol: s.Protocol, Method: s.Method,
		Offsets: patcher.Offsets{Ptrs: 8}, // no image reads an array
	})
	if err != nil {
		return err
	}
	defer p.Close()
	table, err := p.NewArray("jmp_table", 4)
	if err != nil {
		return err
	}
	caller, two := images(2)
	_, three := images(3)
	entry, err := p.Load("caller", caller, patcher.PlaceStraddling)
	if err != nil {
		return err
	}
	pool.SetEntries([]uint64{p.Addr(entry)})
	call := func(when string) error {
		r0, err := pool.Run(1, time.Minute)
		fmt.Printf("%s: %d\n", when, r0)
		return err
	}
	if err := call("empty"); err != nil {
		return err
	}
	for _, step := range []struct {
		when  string
		image *patcher.Image
	}{{"installed", two}, {"updated", three}} {
		prog, err := p.Load("program", step.image, patcher.PlaceAny)
		if err != nil {
			return err
		}
		if err := table.Update(3, prog); err != nil {
			return err
		}
		if err := call(step.when); err != nil {
			return err
		}
	}
	if _, err := table.Delete(3); err != nil {
		return err
	}
	return call("removed")
}
