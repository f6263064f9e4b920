//go:build linux && amd64

package patcher

import (
	"encoding/binary"
	"os"
	"testing"

	"tailpoke/jit/exec"
)

const gateValue = 0x777 // what the gate returns

// A gate is memory of an image that a thread stays in until it is let go.
type gate struct {
	data *exec.Data
	mem  *os.File
}

const (
	gateOpen    = 0 // word: not 0 lets threads go
	gateArrived = 8 // word: not 0 once a thread is inside
)

func newGate(t testing.TB) *gate {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	data, err := exec.NewData(4096)
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := data.Close(); err != nil {
			t.Error(err)
		}
		mem.Close()
	})
	return &gate{data, mem}
}

// image is entered by a tail call at its start: its caller has pushed rbp, and it has
// no counter.
func (g *gate) image() *Image {
	code := []byte{0x48, 0xb9} // mov rcx, words
	code = binary.LittleEndian.AppendUint64(code, g.data.Addr(0))
	code = append(code,
		0x48, 0xc7, 0x41, gateArrived, 1, 0, 0, 0, // look: mov qword [rcx+gateArrived], 1
		0xf3, 0x90, //                   pause
		0x48, 0x83, 0x39, 0, //          cmp qword [rcx+gateOpen], 0
		0x74, 0xf0, //                   je look
		0xb8) //                         mov eax, gateValue
	code = binary.LittleEndian.AppendUint32(code, gateValue)
	code = append(code, 0xc9, 0xc3) // leave; ret
	return &Image{Code: code, Starts: []Off{0, 10, 18, 20, 24, 26, 31, 32}}
}

func (g *gate) open() { g.data.Store8(gateOpen, 1) }

// arrived waits for a thread to be inside.
func (g *gate) arrived(t testing.TB) {
	t.Helper()
	waitFor(t, func() bool {
		var b [8]byte
		if _, err := g.mem.ReadAt(b[:], int64(g.data.Addr(gateArrived))); err != nil {
			t.Fatal(err)
		}
		return b[0] != 0
	})
}
