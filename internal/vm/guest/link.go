package guest

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Kind says what a frame carries.
type Kind byte

// The kinds of frames from guest to host. The host sends no frames: a byte from it is the number of
// a signal for the verb.
const (
	Ready Kind = 'r' // the first process runs: the kernel's release
	Beat  Kind = 'b' // it still runs: nothing
	Out   Kind = 'o' // bytes of the verb's standard output
	Err   Kind = 'e' // bytes of its standard error
	Wrote Kind = 'w' // a file that the verb wrote: a [File] as JSON
	Exit  Kind = 'x' // the verb has ended: its exit code in decimal
	Fault Kind = 'f' // the first process could not do its work: why
)

// File is a file that a verb reads or has written, under the name that the command line has.
type File struct {
	Name string `json:"name"` // as an absolute path
	Data []byte `json:"data"`
}

// maxFrame bounds a frame, in bytes: a file may be one.
const maxFrame = 64 << 20

// WriteFrame writes one frame: its kind, its length in four bytes, and the data.
func WriteFrame(w io.Writer, k Kind, data []byte) error {
	if len(data) > maxFrame {
		return fmt.Errorf("guest: a frame of %d bytes: the most are %d", len(data), maxFrame)
	}
	b := make([]byte, 0, 5+len(data))
	b = append(b, byte(k))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	_, err := w.Write(append(b, data...))
	return err
}

// ReadFrame reads one frame. The error is io.EOF where the stream ends between two.
func ReadFrame(r io.Reader) (Kind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("guest: a frame of kind %q claims %d bytes", head[0], n)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return 0, nil, fmt.Errorf("guest: a frame of kind %q ends early: %w", head[0], err)
	}
	return Kind(head[0]), data, nil
}
