package interp

// An errno is why a helper fails; 0 is that it does not.
type errno int64

// Those of the UAPI.
const (
	enoent errno = 2
	e2big  errno = 7
	efault errno = 14
	eexist errno = 17
	einval errno = 22
	erange errno = 34
)

// value is what the helper returns: a number of 64 bits, and negative.
func (e errno) value() value { return num(uint64(-int64(e))) }
