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

// A conversion says how bpf_trace_printk prints an argument.
type conversion struct {
	verb       byte // d (for i as well), u, x, X, c, s, or symbol
	wide       bool // all 64 bits of the argument count
	left, zero bool
	sign       string // of what is not negative
	width      int
}

// symbol is the verb of %ps and its like.
const symbol = '$'

// maxWidth bounds the width of a field, in bytes.
const maxWidth = 1<<23 - 1

// at is a byte of a format, 0 past its end.
func at(format []byte, i int) byte {
	if i < len(format) {
		return format[i]
	}
	return 0
}

// parseConversion reads what follows a percent sign, and how many bytes it is: 0 if it is no
// conversion.
func parseConversion(format []byte) (c conversion, n int) {
	n = c.flags(format)
	for ; '0' <= at(format, n) && at(format, n) <= '9'; n++ {
		c.width = min(10*c.width+int(format[n]-'0'), maxWidth)
	}
	var length int
	switch at(format, n) {
	case 'c':
		c.verb, length = 'c', 1
	case 's':
		c.verb, c.wide, length = 's', true, endsWord(format[n:], 1)
	case 'p':
		length = c.address(format[n:])
	default:
		length = c.number(format[n:])
	}
	if length == 0 {
		return c, 0
	}
	return c, n + length
}

// flags reads the flags, and returns how many there are.
func (c *conversion) flags(format []byte) (n int) {
	for ; ; n++ {
		switch at(format, n) {
		case '0':
			c.zero = true
		case '-':
			c.left = true
		case '+':
			c.sign = "+"
		case ' ':
			if c.sign == "" {
				c.sign = " "
			}
		default:
			return n
		}
	}
}

// number reads the verb of a number.
func (c *conversion) number(format []byte) (n int) {
	for ; n < 2 && at(format, n) == 'l'; n++ {
		c.wide = true
	}
	switch verb := at(format, n); verb {
	case 'd', 'i':
		c.verb = 'd'
	case 'u', 'x', 'X':
		c.verb = verb
	default:
		return 0
	}
	return n + 1
}

// address reads the p of an address, and what it is the address of.
func (c *conversion) address(format []byte) (n int) {
	c.verb, c.wide = 'x', true
	switch next := at(format, 1); {
	case (next == 'k' || next == 'u') && at(format, 2) == 's':
		*c = conversion{verb: 's', wide: true}
		return endsWord(format, 3)
	case next == 'B':
		*c = conversion{verb: symbol, wide: true}
	case next == 's' || next == 'S':
		c.verb = symbol
	case next != 'x' && next != 'K' && endsWord(format, 1) == 0:
		return 0
	}
	if c.verb == 'x' && c.width == 0 {
		c.zero, c.width = true, 16
	}
	for n = 1; alnum(at(format, n)); n++ { // the kernel skips whatever could say more
	}
	return n
}

// endsWord returns n if the byte after n bytes of a format belongs to no word, else 0.
func endsWord(format []byte, n int) int {
	if next := at(format, n); alnum(next) || 0x80 <= next && next < 0xa0 {
		return 0
	}
	return n
}

// alnum says whether a byte is a letter or a digit, in Latin-1.
func alnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' ||
		c >= 0xc0 && c != 0xd7 && c != 0xf7
}
