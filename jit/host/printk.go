package host

import (
	"bytes"
	"strconv"

	"tailpoke/jit/exec"
)

// Bounds of bpf_trace_printk, in bytes. What is more is cut off, and counted all the same.
const (
	maxLine = 1023
	maxText = 511 // of one string
)

// tracePrintk is bpf_trace_printk(fmt, size, a, b, c). It returns how many bytes it prints.
func (h *Host) tracePrintk(c *exec.HelperCall) (uint64, bool) {
	format := h.bytes(c, c.Args[0], uint64(uint32(c.Args[1])))
	if format == nil {
		return refuse(c, c.Args[0])
	}
	size := bytes.IndexByte(format, 0)
	cpu := &h.cpus[c.Thread]
	p := printer{h: h, c: c, out: cpu.line[:0], text: &cpu.text, args: c.Args[2:]}
	if size < 0 || !p.print(format[:size]) {
		return einval.rax(), true
	}
	if h.cfg.Trace != nil {
		h.cfg.Trace(p.out)
	}
	return uint64(p.n), true
}

// A printer formats as the kernel's bpf_trace_printk does. It knows the conversions of
// numbers, characters and strings; the addresses %p and %pK, which are not hashed here, and %px;
// and the symbols %ps, %pS and %pB, none of which has a name. Other forms of %p are an error here.
type printer struct {
	h    *Host
	c    *exec.HelperCall
	out  []byte
	n    int            // bytes that were to be put out
	text *[maxText]byte // of one string
	args []uint64
}

// print says whether the format is one.
func (p *printer) print(format []byte) bool {
	for len(format) > 0 {
		c := format[0]
		format = format[1:]
		switch {
		case !printable(c):
			return false
		case c != '%':
			p.pad(c, 1)
		case at(format, 0) == '%':
			p.pad('%', 1)
			format = format[1:]
		case len(p.args) == 0:
			return false
		default:
			conv, n := parseConversion(format)
			if n == 0 {
				return false
			}
			p.convert(conv, p.args[0])
			p.args, format = p.args[1:], format[n:]
		}
	}
	return true
}

// printable says whether a format may contain a byte: what is not ASCII, it may.
func printable(c byte) bool { return c >= ' ' && c != 0x7f || '\t' <= c && c <= '\r' }

// add puts bytes out.
func (p *printer) add(b []byte) {
	p.out = append(p.out, b[:min(len(b), maxLine-len(p.out))]...)
	p.n += len(b)
}

// pad puts a byte out n times.
func (p *printer) pad(b byte, n int) {
	for range min(n, maxLine-len(p.out)) {
		p.out = append(p.out, b)
	}
	p.n += max(n, 0)
}

// convert prints an argument.
func (p *printer) convert(c conversion, arg uint64) {
	if !c.wide {
		arg = uint64(uint32(arg))
	}
	var digits [32]byte
	switch c.verb {
	case 's':
		c.zero = false
		p.field(c, "", p.string(arg))
	case 'c':
		c.zero = false
		p.field(c, "", append(digits[:0], byte(arg)))
	case symbol:
		c.zero = false
		p.field(c, "", strconv.AppendUint(append(digits[:0], "0x"...), arg, 16))
	case 'd':
		sign, magnitude := c.sign, int64(arg)
		if !c.wide {
			magnitude = int64(int32(arg))
		}
		if magnitude < 0 {
			sign, magnitude = "-", -magnitude
		}
		p.field(c, sign, strconv.AppendUint(digits[:0], uint64(magnitude), 10))
	case 'u':
		p.field(c, "", strconv.AppendUint(digits[:0], arg, 10))
	case 'X':
		p.field(c, "", upper(strconv.AppendUint(digits[:0], arg, 16)))
	case 'x':
		p.field(c, "", strconv.AppendUint(digits[:0], arg, 16))
	}
}

func upper(b []byte) []byte {
	for i, c := range b {
		if c >= 'a' {
			b[i] = c - 'a' + 'A'
		}
	}
	return b
}

// field prints a text in its field.
func (p *printer) field(c conversion, sign string, text []byte) {
	space := c.width - len(sign) - len(text)
	if !c.left && !c.zero {
		p.pad(' ', space)
	}
	if sign != "" {
		p.pad(sign[0], 1)
	}
	if !c.left && c.zero {
		p.pad('0', space)
	}
	p.add(text)
	if c.left {
		p.pad(' ', space)
	}
}

// string is the bytes at an address up to a zero; nothing, if they cannot be read up to there.
func (p *printer) string(addr uint64) []byte {
	for n := range p.text {
		to := p.text[n : n+1]
		if b := p.h.bytes(p.c, addr+uint64(n), 1); b != nil {
			copy(to, b)
		} else if p.h.cfg.Probe == nil || !p.h.cfg.Probe(addr+uint64(n), to) {
			return nil
		}
		if to[0] == 0 {
			return p.text[:n]
		}
	}
	return p.text[:]
}
