package gdb

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// Numbers of registers in packets, as QEMU has them for x86-64.
const (
	RAX = iota
	RBX
	RCX
	RDX
	RSI
	RDI
	RBP
	RSP
	_ // R8 to R15
	_
	_
	_
	_
	_
	_
	_
	RIP
	Flags
)

func (c *Client) choose(thread int) error {
	if c.selected == thread {
		return nil
	}
	c.selected = thread
	return c.ok(fmt.Sprintf("Hg%x", thread))
}

// Reg reads a register of a thread.
func (c *Client) Reg(thread, n int) (uint64, error) {
	if err := c.choose(thread); err != nil {
		return 0, err
	}
	ask := fmt.Sprintf("p%x", n)
	answer, err := c.ask(ask)
	if err != nil {
		return 0, err
	}
	raw, err := hex.DecodeString(answer)
	if err != nil || len(raw) != 8 && len(raw) != 4 {
		return 0, &StubError{ask, answer}
	}
	return binary.LittleEndian.Uint64(append(raw, 0, 0, 0, 0)[:8]), nil
}

// SetReg writes a register of a thread.
func (c *Client) SetReg(thread, n int, value uint64) error {
	if err := c.choose(thread); err != nil {
		return err
	}
	return c.ok(fmt.Sprintf("P%x=%x", n, binary.LittleEndian.AppendUint64(nil, value)))
}

// Memory reads memory as a thread sees it.
func (c *Client) Memory(thread int, at uint64, size int) ([]byte, error) {
	if err := c.choose(thread); err != nil {
		return nil, err
	}
	ask := fmt.Sprintf("m%x,%x", at, size)
	answer, err := c.ask(ask)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(answer)
	if err != nil || len(raw) != size {
		return nil, &StubError{ask, answer}
	}
	return raw, nil
}

// BreakAt has the machine stop at these addresses, and at no others.
func (c *Client) BreakAt(at ...uint64) error {
	if c.running {
		return ErrRunning
	}
	var asked []string
	for _, a := range slices.Sorted(maps.Keys(c.breaks)) {
		if !slices.Contains(at, a) {
			asked = append(asked, fmt.Sprintf("z1,%x,1", a))
			delete(c.breaks, a)
		}
	}
	for _, a := range at {
		if !c.breaks[a] {
			asked = append(asked, fmt.Sprintf("Z1,%x,1", a))
			c.breaks[a] = true
		}
	}
	for _, text := range asked { // all at once: a round trip costs most where a machine is busy
		if err := c.send(text); err != nil {
			return err
		}
	}
	for _, text := range asked {
		answer, err := c.answer(text)
		if err == nil && answer != "OK" {
			err = &StubError{text, answer}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
