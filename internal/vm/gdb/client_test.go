package gdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A stub is a fake: it answers what the map has for a packet, and notes what it was asked.
type stub struct {
	answers map[string]string
	asked   []string
}

// greeting are the answers that every client wants first.
func greeting(more map[string]string) *stub {
	s := &stub{answers: map[string]string{
		"qSupported:vContSupported+;hwbreak+;swbreak+": "PacketSize=1000;vContSupported+",
		"vCont?": "vCont;c;C;s;S", "?": "T05thread:01;",
	}}
	for k, v := range more {
		s.answers[k] = v
	}
	return s
}

// serve answers until the connection ends. An answer that begins with "raw:" is sent as it is.
func (s *stub) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		if c, err := r.Peek(1); err == nil && c[0] == 3 { // an interrupt
			r.Discard(1)
			writePacket(conn, s.answers["\x03"])
			continue
		}
		text, err := readPacket(r)
		if err != nil {
			return
		}
		s.asked = append(s.asked, text)
		switch answer := s.answers[text]; {
		case answer == "silent":
		case strings.HasPrefix(answer, "raw:"):
			io.WriteString(conn, answer[4:])
		default:
			writePacket(conn, answer)
		}
	}
}

func client(t *testing.T, s *stub) (*Client, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() { s.serve(theirs); close(done) }()
	t.Cleanup(func() { ours.Close(); <-done })
	c, err := New(ours)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// TestClient goes through everything that a client asks.
func TestClient(t *testing.T) {
	ok := map[string]string{"Hg2": "OK", "p10": "8877665544332211", "P10=efbeadde00000000": "OK", "m1000,3": "0f1f44",
		"Z1,40,1": "OK", "Z1,50,1": "OK", "z1,40,1": "OK", "vCont;s:2": "T05thread:p01.02;", "vCont;c": "silent", "\x03": "T02thread:03;"}
	s := greeting(ok)
	c, err := client(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := c.Reg(2, RIP); err != nil || v != 0x1122334455667788 {
		t.Errorf("a register: %#x, %v", v, err)
	}
	if err := c.SetReg(2, RIP, 0xdeadbeef); err != nil {
		t.Error(err)
	}
	if b, err := c.Memory(2, 0x1000, 3); err != nil || string(b) != "\x0f\x1f\x44" {
		t.Errorf("memory: % x, %v", b, err)
	}
	if err := errors.Join(c.BreakAt(0x40), c.BreakAt(0x40, 0x50), c.BreakAt(0x50)); err != nil {
		t.Error(err)
	}
	if err := c.Step(t.Context(), 2); err != nil {
		t.Error(err)
	}
	if err := c.Go(); err != nil || !c.Running() {
		t.Errorf("go: %v", err)
	}
	if _, err := c.Reg(1, RIP); !errors.Is(err, ErrRunning) {
		t.Errorf("a question to a machine that runs: %v", err)
	}
	if stop, err := c.Interrupt(t.Context()); err != nil || stop != (Stop{3, 2}) || c.Running() {
		t.Errorf("interrupt: %+v, %v", stop, err)
	}
	if n := strings.Count(strings.Join(s.asked, " "), "Z1,40"); n != 1 {
		t.Errorf("a breakpoint was set %d times", n)
	}
}

// TestNonsense: what a stub may not answer is an error that has its words, and never a hang.
func TestNonsense(t *testing.T) {
	for name, c := range map[string]struct {
		asks, answers, says string
		do                  func(*Client) error
	}{
		"a first stop":      {"?", "W00", "W00", nil},
		"no steps":          {"vCont?", "", "cannot step one thread", nil},
		"no packet":         {"?", "raw:HTTP/1.1 400 Bad Request", "HTTP/1.1 400", nil},
		"a wrong sum":       {"?", "raw:$T05#00", "$T05#00", nil},
		"too long":          {"?", "raw:$" + strings.Repeat("x", maxPacket+1), "xxx", nil},
		"a thread":          {"?", "T05thread:zz;", "thread:zz", nil},
		"a signal":          {"?", "Tzz", "Tzz", nil},
		"a register":        {"p10", "E14", "E14", func(c *Client) error { _, err := c.Reg(1, RIP); return err }},
		"half a register":   {"p10", "00", `"00"`, func(c *Client) error { _, err := c.Reg(1, RIP); return err }},
		"memory":            {"m0,4", "E14", "E14", func(c *Client) error { _, err := c.Memory(1, 0, 4); return err }},
		"less memory":       {"m0,4", "0011", "0011", func(c *Client) error { _, err := c.Memory(1, 0, 4); return err }},
		"a breakpoint":      {"Z1,40,1", "E22", "E22", func(c *Client) error { return c.BreakAt(0x40) }},
		"another thread":    {"vCont;s:1", "T05thread:02;", "thread 2 stopped in the place of 1", func(c *Client) error { return c.Step(context.Background(), 1) }},
		"a stop that ended": {"vCont;s:1", "X09", "X09", func(c *Client) error { return c.Step(context.Background(), 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			c2, err := client(t, greeting(map[string]string{"Hg1": "OK", c.asks: c.answers}))
			if err == nil && c.do != nil {
				err = c.do(c2)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if len(fmt.Sprint(err)) > 500 {
				t.Errorf("an error of %d bytes", len(fmt.Sprint(err)))
			}
		})
	}
}

// TestGone: a connection that ends is an error, and a wait ends with its context.
func TestGone(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() { theirs.Close() }()
	if _, err := New(ours); err == nil {
		t.Error("no error")
	}
	ours.Close()
	c, err := client(t, greeting(map[string]string{"vCont;c": "silent"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Go(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := c.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestPackets: what is written is read, and bytes of any kind end in a packet or an error.
func TestPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		_, _ = readPacket(bufio.NewReader(strings.NewReader(string(raw))))
		text := rapid.StringMatching(`[a-zA-Z0-9;:=,?+]*`).Draw(t, "text")
		var b strings.Builder
		if err := writePacket(&b, text); err != nil {
			t.Fatal(err)
		}
		if got, err := readPacket(bufio.NewReader(strings.NewReader("+" + b.String()))); err != nil || got != text {
			t.Fatalf("%q, %v: want %q", got, err, text)
		}
	})
}
