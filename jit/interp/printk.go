package interp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/asm"
)

var (
	errFormat   = errors.New("format is not supported")
	errBadPrint = errors.New("the kernel refuses the format")
)

// maxString bounds a string that is printed, in bytes and with the zero at its end.
const maxString = 512

// printkPointer is printed for every address, hashed as the kernel prints them.
const printkPointer = "(____ptrval____)"

// tracePrintk is bpf_trace_printk(fmt, size, ...), with at most three arguments. It gives the
// length of what it prints, as the kernel's does. That is not known in advance where an argument
// is not.
func (m *machine) tracePrintk() (value, error) {
	a := args{m: m}
	format, known := a.memory(asm.R1, a.size(asm.R2))
	switch {
	case a.err != nil:
		return value{}, a.err
	case !known:
		return value{}, fmt.Errorf("the format: %w", errUnknown)
	}
	p := printer{m: m, next: asm.R3, known: true}
	switch err := p.format(format); {
	case errors.Is(err, errBadPrint):
		return einval.value(), nil
	case err != nil:
		return value{}, err
	case !p.known:
		return value{kind: anything}, nil
	}
	if m.w.Trace != nil {
		m.w.Trace(string(p.out))
	}
	return num(uint64(len(p.out))), nil
}

// A printer prints for bpf_trace_printk.
type printer struct {
	m     *machine
	next  asm.Register // the next argument
	out   []byte
	known bool
}

// format prints what a format ending in a zero byte says.
func (p *printer) format(f []byte) error {
	end := bytes.IndexByte(f, 0)
	if end < 0 {
		return errBadPrint
	}
	for f = f[:end]; len(f) > 0; {
		c := f[0]
		switch {
		case c == 0x7f || c < ' ' && (c < '\t' || c > '\r'):
			return errBadPrint
		case c >= 0x80: // a matter of the kernel's age
			return fmt.Errorf("%w: byte %#x", errFormat, c)
		case c == '%':
			n, err := p.conversion(f)
			if err != nil {
				return err
			}
			f = f[n:]
			continue
		}
		p.out, f = append(p.out, c), f[1:]
	}
	return nil
}

// conversion prints what the conversion at the beginning of f says, and gives its length.
func (p *printer) conversion(f []byte) (int, error) {
	n, longs := 1, 0
	for ; n < len(f) && f[n] == 'l' && longs < 2; n++ {
		longs++
	}
	if n == len(f) {
		return 0, errBadPrint
	}
	verb, wordEnds := f[n], n+1 == len(f) || !isAlnum(f[n+1])
	n++
	if verb == '%' && longs == 0 {
		p.out = append(p.out, '%')
		return n, nil
	}
	integer := strings.IndexByte("diuxX", verb) >= 0
	switch {
	case p.next > asm.R5 || longs > 0 && !integer || verb == 's' && !wordEnds:
		return 0, errBadPrint
	case strings.IndexByte("0123456789+- ", verb) >= 0 || verb == 'p' && !wordEnds:
		return 0, fmt.Errorf("%w: %q", errFormat, f[:n])
	case !integer && strings.IndexByte("csp", verb) < 0:
		return 0, errBadPrint
	}
	arg := p.m.regs[p.next]
	if arg.kind == unset {
		return 0, fmt.Errorf("%v: %w", p.next, errUnset)
	}
	p.next++
	switch verb {
	case 'c':
		return n, p.char(arg)
	case 's':
		return n, p.text(arg)
	case 'p':
		p.out = append(p.out, printkPointer...)
		return n, nil
	}
	return n, p.integer(verb, longs > 0, arg)
}

func isAlnum(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

func (p *printer) integer(verb byte, long bool, arg value) error {
	known, err := numbers(arg)
	if err != nil {
		return err
	}
	p.known = p.known && known
	n := arg.n
	switch signed := verb == 'd' || verb == 'i'; {
	case signed && long:
		p.out = fmt.Appendf(p.out, "%d", int64(n))
		return nil
	case signed:
		p.out = fmt.Appendf(p.out, "%d", int32(n))
		return nil
	case !long:
		n = uint64(uint32(n))
	}
	if verb == 'u' {
		verb = 'd'
	}
	p.out = fmt.Appendf(p.out, "%"+string(rune(verb)), n)
	return nil
}

func (p *printer) char(arg value) error {
	_, err := numbers(arg)
	p.out = append(p.out, byte(arg.n)) // the length is known even where the byte is not
	return err
}

// text prints the string at an address, and nothing if its memory ends before it does.
func (p *printer) text(addr value) error {
	begin := len(p.out)
	for range maxString {
		b := make([]byte, 1)
		switch {
		case addr.kind == anything:
			p.known = false
			return nil
		case addr.kind == number:
			if !p.m.probe(addr.n, b) {
				p.out = p.out[:begin]
				return nil
			}
		default:
			v, err := p.m.load(addr, 1)
			if err != nil {
				return err
			}
			if v.kind == anything {
				p.known = false
				return nil
			}
			b[0] = byte(v.n)
		}
		if b[0] == 0 {
			return nil
		}
		p.out = append(p.out, b[0])
		addr.n++
	}
	return fmt.Errorf("%w: a string of more than %d bytes", errFormat, maxString-1)
}
