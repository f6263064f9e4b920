package protocol

// A Key names a key of a prog array.
type Key struct {
	Map   string
	Index int
}
