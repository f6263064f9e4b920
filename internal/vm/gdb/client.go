package gdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// answerTime bounds an answer. The stub answers at once; the machine may be busy.
const answerTime = 2 * time.Minute

// ErrRunning says that a question cannot be asked while the machine runs.
var ErrRunning = errors.New("gdb: the machine runs")

// A Stop is why and where the machine has stopped.
type Stop struct {
	Thread int
	Signal int // 5: a breakpoint or a step; 2: it was interrupted
}

// A Client speaks with one stub. It is for one goroutine.
type Client struct {
	conn     io.ReadWriteCloser
	packets  chan Packet
	selected int // the thread whose registers and memory are meant, 0: not known
	breaks   map[uint64]bool
	running  bool
}

// A Packet is what a stub sent by itself, for [Client.Stopped].
type Packet struct {
	text string
	err  error
}

// New makes a client on a connection to a machine that stands. The connection is the client's, also
// where there is an error.
func New(conn io.ReadWriteCloser) (*Client, error) {
	c := &Client{conn: conn, packets: make(chan Packet, 1), breaks: map[uint64]bool{}}
	go c.read()
	if err := c.greet(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// greet asks what the stub can do.
func (c *Client) greet() error {
	features, err := c.ask("qSupported:vContSupported+;hwbreak+;swbreak+")
	if err != nil {
		return err
	}
	can, err := c.ask("vCont?")
	if err != nil {
		return err
	}
	if !strings.Contains(features, "vContSupported+") || !strings.HasPrefix(can, "vCont;") {
		return fmt.Errorf("QEMU's gdb stub cannot step one thread of several: %.*q, %.*q", maxWords, features, maxWords, can)
	}
	// QEMU up to 8.0 reads single registers for those alone who have asked how they are called.
	if _, err := c.ask("qXfer:features:read:target.xml:0,100"); err != nil {
		return err
	}
	answer, err := c.ask("?") // it also forgets the breakpoints of an earlier client
	if err != nil {
		return err
	}
	_, err = stopOf("?", answer)
	return err
}

// read reads packets until the connection ends.
func (c *Client) read() {
	defer close(c.packets)
	r := bufio.NewReader(c.conn)
	for {
		text, err := readPacket(r)
		if err == nil {
			_, err = io.WriteString(c.conn, "+")
		}
		c.packets <- Packet{text, err}
		if err != nil {
			return
		}
	}
}

// Close ends the connection.
func (c *Client) Close() error {
	err := c.conn.Close()
	for range c.packets { // until nobody reads any more
	}
	return err
}

// Running reports whether the machine runs.
func (c *Client) Running() bool { return c.running }

func (c *Client) send(text string) error {
	return writePacket(c.conn, text)
}

// ask asks something while the machine stands.
func (c *Client) ask(text string) (string, error) {
	if c.running {
		return "", fmt.Errorf("%w, and cannot be asked %q", ErrRunning, text)
	}
	if err := c.send(text); err != nil {
		return "", err
	}
	return c.answer(text)
}

// answer takes the answer to something that was asked.
func (c *Client) answer(text string) (string, error) {
	select {
	case p, ok := <-c.packets:
		return p.text, ended(p.err, ok, text)
	case <-time.After(answerTime):
		return "", fmt.Errorf("QEMU's gdb stub answered nothing to %q for %v", text, answerTime)
	}
}

// ended is the error of a packet that did not come.
func ended(err error, ok bool, asked string) error {
	var stub *StubError
	switch {
	case !ok:
		return io.ErrUnexpectedEOF
	case errors.As(err, &stub):
		stub.Asked = asked
	}
	return err
}

// ok asks for something that is answered by OK.
func (c *Client) ok(text string) error {
	answer, err := c.ask(text)
	if err == nil && answer != "OK" {
		err = &StubError{text, answer}
	}
	return err
}

// Go lets all threads run.
func (c *Client) Go() error { return c.resume("c") }

// Step lets one thread execute one instruction. All others stand, whatever they hold: the thread must
// be where it needs nothing of them.
func (c *Client) Step(ctx context.Context, thread int) error {
	if err := c.resume(fmt.Sprintf("s:%x", thread)); err != nil {
		return err
	}
	stop, err := c.Wait(ctx)
	if err == nil && stop.Thread != thread {
		err = &StubError{"vCont;s", fmt.Sprintf("thread %d stopped in the place of %d", stop.Thread, thread)}
	}
	return err
}

func (c *Client) resume(how string) error {
	if c.running {
		return ErrRunning
	}
	c.selected, c.running = 0, true
	return c.send("vCont;" + how)
}

// Stops has a packet when the machine stops, for [Client.Stopped].
func (c *Client) Stops() <-chan Packet { return c.packets }

// Stopped takes what came from [Client.Stops].
func (c *Client) Stopped(p Packet, ok bool) (Stop, error) {
	if err := ended(p.err, ok, ""); err != nil {
		return Stop{}, err
	}
	c.running = false
	s, err := stopOf("", p.text)
	c.selected = s.Thread // the stub means that one from here on
	return s, err
}

// Wait waits until the machine stops.
func (c *Client) Wait(ctx context.Context) (Stop, error) {
	select {
	case p, ok := <-c.packets:
		return c.Stopped(p, ok)
	case <-ctx.Done():
		return Stop{}, context.Cause(ctx)
	}
}

// Interrupt stops a machine that runs. Where it was about to stop at a breakpoint, it is that stop.
func (c *Client) Interrupt(ctx context.Context) (Stop, error) {
	if !c.running {
		return Stop{}, errors.New("gdb: the machine stands")
	}
	if _, err := c.conn.Write([]byte{3}); err != nil {
		return Stop{}, err
	}
	return c.Wait(ctx)
}

// stopOf reads a stop: T05thread:01;
func stopOf(asked, text string) (Stop, error) {
	bad := &StubError{asked, text}
	if len(text) < 3 || text[0] != 'T' && text[0] != 'S' {
		return Stop{}, bad
	}
	signal, err := strconv.ParseUint(text[1:3], 16, 8)
	if err != nil {
		return Stop{}, bad
	}
	s := Stop{Thread: 1, Signal: int(signal)}
	for field := range strings.SplitSeq(text[3:], ";") {
		name, value, _ := strings.Cut(field, ":")
		if name != "thread" {
			continue
		}
		if _, id, ok := strings.Cut(value, "."); ok { // pPID.TID
			value = id
		}
		n, err := strconv.ParseUint(value, 16, 16)
		if err != nil || n == 0 {
			return Stop{}, bad
		}
		s.Thread = int(n)
	}
	return s, nil
}
