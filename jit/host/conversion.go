package host

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
	length := 0
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
