package guest

import (
	"os"
	"sync"

	"tailpoke/patcher/protocol"
)

// Port is where the host listens for what is in progress: an I/O port, so that a byte is there when
// the system call that writes it returns, whatever becomes of the kernel then.
const Port = 0xe9

// What a byte at [Port] says.
var (
	letters = map[protocol.OpKind]byte{protocol.Install: 'i', protocol.Update: 'u', protocol.Remove: 'r'}
	// Done says that the operation has ended.
	Done = byte('.')
)

// During names the operation that a byte says has begun, or returns "" for [Done] and others.
func During(b byte) string {
	for kind, letter := range letters {
		if letter == b {
			return kind.String()
		}
	}
	return ""
}

// port is the I/O ports as a file, or nil outside of a guest and where the kernel has none.
var port = sync.OnceValue(func() *os.File {
	if Here() == nil {
		return nil
	}
	f, err := os.OpenFile("/dev/port", os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	return f
})

// A Beacon tells the host which operation is in progress. Outside of a guest it says nothing.
type Beacon struct{ port *os.File }

// NewBeacon makes a beacon, or nil where nobody listens.
func NewBeacon() *Beacon {
	f := port()
	if f == nil {
		return nil
	}
	return &Beacon{f}
}

// Began says that an operation begins.
func (b *Beacon) Began(kind protocol.OpKind) { b.say(letters[kind]) }

// Ended says that it has ended.
func (b *Beacon) Ended() { b.say(Done) }

func (b *Beacon) say(letter byte) {
	if b != nil {
		// A host that does not listen is none of the run's business.
		_, _ = b.port.WriteAt([]byte{letter}, Port)
	}
}
