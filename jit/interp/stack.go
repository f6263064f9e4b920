package interp

// A stack is the memory below the frame pointer of one function.
type stack struct{ memory }

func newStack(depth int) stack {
	n := (depth + 7) &^ 7
	return stack{memory{make([]byte, n), make([]mark, n), make([]value, n/8)}}
}
