package host

import (
	"bytes"
	"strconv"

	"tailpoke/jit/exec"
)

// maxLine bounds what one bpf_trace_printk prints, in bytes; what is more is cut off.
const maxLine = 512

// tracePrintk is bpf_trace_printk(fmt, size, a, b, c). It returns how many bytes it printed.
func (h *Host) tracePrintk(c *exec.HelperCall) (uint64, bool) {
	format := h.bytes(c, c.Args[0], uint64(uint32(c.Args[1])))
	if format == nil {
		return refuse(c, c.Args[0])
	}
	format, terminated := bytes.CutSuffix(format, []byte{0})
	p := printer{h: h, c: c, out: h.cpu(c).line[:0], args: c.Args[2:]}
	if !terminated || !p.print(format) {
		return einval.rax(), true
	}
	if h.cfg.Trace != nil {
		h.cfg.Trace(p.out)
	}
	return uint64(len(p.out)), true
}

// A printer formats as the kernel's bpf_trace_printk does, for the conversions that it allows.
type printer struct {
	h    *Host
	c    *exec.HelperCall
	out  []byte
	args []uint64
}

// print says whether the format is one.
func (p *printer) print(format []byte) bool {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			p.add(format[i])
			continue
		}
		n, ok := p.convert(format[i+1:])
		if !ok {
			return false
		}
		i += n
	}
	return true
}

func (p *printer) add(b ...byte) {
	p.out = append(p.out, b[:min(len(b), maxLine-len(p.out))]...)
}

// convert prints one conversion and returns how many bytes of the format it was.
func (p *printer) convert(format []byte) (n int, ok bool) {
	pad, width, wide := byte(' '), 0, 0
	for n < len(format) && (format[n] == '0' || format[n] == '-' || format[n] == '+' || format[n] == ' ') {
		if format[n] == '0' {
			pad = '0'
		}
		n++
	}
	for ; n < len(format) && '0' <= format[n] && format[n] <= '9'; n++ {
		width = min(10*width+int(format[n]-'0'), maxLine)
	}
	for ; n < len(format) && format[n] == 'l' && wide < 2; n++ {
		wide++
	}
	if n == len(format) {
		return 0, false
	}
	verb := format[n]
	if verb == '%' {
		p.add('%')
		return n + 1, true
	}
	if len(p.args) == 0 {
		return 0, false
	}
	arg := p.args[0]
	p.args = p.args[1:]
	return n + 1, p.value(verb, arg, wide > 0, pad, width)
}

// value prints one argument.
func (p *printer) value(verb byte, arg uint64, wide bool, pad byte, width int) bool {
	if !wide && verb != 'p' && verb != 's' {
		arg = uint64(int64(int32(arg)))
	}
	unsigned := arg
	if !wide {
		unsigned = uint64(uint32(arg))
	}
	var digits [32]byte
	text := digits[:0]
	switch verb {
	case 'd', 'i':
		text = strconv.AppendInt(text, int64(arg), 10)
	case 'u':
		text = strconv.AppendUint(text, unsigned, 10)
	case 'x':
		text = strconv.AppendUint(text, unsigned, 16)
	case 'X':
		text = strconv.AppendUint(text, unsigned, 16)
		for i, c := range text {
			if c >= 'a' {
				text[i] = c - 'a' + 'A'
			}
		}
	case 'p':
		text = strconv.AppendUint(append(text, "0x"...), arg, 16)
	case 'c':
		text = append(text, byte(arg))
	case 's':
		p.string(arg)
		return true
	default:
		return false
	}
	for range width - len(text) {
		p.add(pad)
	}
	p.add(text...)
	return true
}

// string prints the bytes at an address up to a zero, as far as they can be read.
func (p *printer) string(addr uint64) {
	var one [1]byte
	for ; len(p.out) < maxLine; addr++ {
		b := p.h.bytes(p.c, addr, 1)
		if b == nil {
			b = one[:]
			if p.h.cfg.Probe == nil || !p.h.cfg.Probe(addr, b) {
				return
			}
		}
		if b[0] == 0 {
			return
		}
		p.add(b[0])
	}
}
