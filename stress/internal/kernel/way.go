package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/stress/internal/live"
)

// A way is how BPF_PROG_TEST_RUN executes programs of a type.
type way struct {
	bare    bool   // not on a packet
	context []byte // of every execution, where the input's is not
	once    bool   // one execution a call
	hides   bool   // what an execution returned
}

// ways are those of the types of programs that a call of bpf(2) executes.
var ways = map[ebpf.ProgramType]way{
	ebpf.SchedCLS: {}, ebpf.SchedACT: {}, ebpf.SocketFilter: {}, ebpf.CGroupSKB: {},
	ebpf.LWTIn: {}, ebpf.LWTOut: {}, ebpf.LWTXmit: {}, ebpf.LWTSeg6Local: {},
	ebpf.XDP: {context: noContext}, ebpf.FlowDissector: {context: noContext}, ebpf.Netfilter: {context: noContext},
	ebpf.SkLookup:              {bare: true, context: lookupOf(afInet), hides: true},
	ebpf.RawTracepoint:         {bare: true, context: make([]byte, rawArgs), once: true},
	ebpf.RawTracepointWritable: {bare: true, context: make([]byte, rawArgs), once: true},
	ebpf.Syscall:               {bare: true, context: make([]byte, syscallArgs), once: true},
}

// Contexts of these calls, in bytes.
const (
	rawArgs     = 12 * 8 // as many as a tracepoint may have
	syscallArgs = 4096
	afInet      = 2
)

// noContext says that the kernel makes the context.
var noContext = []byte{}

// lookupOf is the beginning of a struct bpf_sk_lookup, up to the family.
func lookupOf(family uint32) []byte {
	return binary.LittleEndian.AppendUint32(make([]byte, 8), family)
}

// options are those of one call of bpf(2).
func (in Input) options(kind ebpf.ProgramType, repeat uint32) *ebpf.RunOptions {
	w, o := ways[kind], &ebpf.RunOptions{Repeat: repeat}
	switch {
	case w.bare:
	case slices.Contains(bareLink, kind):
		o.Data = append(make([]byte, linkHeader), in.Packet...)
	default:
		o.Data = in.Packet
	}
	switch given := in.given(); {
	case len(w.context) > 0:
		o.Context = w.context
	case w.context == nil && slices.ContainsFunc(given, func(b byte) bool { return b != 0 }):
		o.Context = given
	}
	if w.once {
		o.Repeat = 0
	}
	return o
}

// linkHeader is what the kernel takes off the packet of a test run for bareLink, the programs that do
// not see the header of an Ethernet device.
const linkHeader = 14

var bareLink = []ebpf.ProgramType{ebpf.SocketFilter, ebpf.CGroupSKB, ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit, ebpf.LWTSeg6Local}

// An executor has programs of a type executed: each by calls of bpf(2), or all that are attached by an
// event.
type executor struct {
	way   way
	event *event // nil: by bpf(2)
	idle  string // why nothing executes them, or ""

	one time.Duration // about the time of one execution, from above
}

// An event executes the programs that are attached to it.
type event struct {
	attach func(*ebpf.Program) (io.Closer, error)
	fire   func() error
	close  func() error
}

// newExecutor finds out how programs like the entry are executed.
func newExecutor(entry *ebpf.ProgramSpec) executor {
	if w, ok := ways[entry.Type]; ok {
		return executor{way: w, one: 1}
	}
	e, err := eventFor(entry)
	if err != nil {
		return executor{idle: firstLine(err.Error()), one: 1}
	}
	return executor{event: e, one: 1}
}

// probes is how many executions say how long one takes.
const probes = 3

// probe executes a program a few times, which is a copy of the entry.
func (x *executor) probe(entry *ebpf.ProgramSpec, p *ebpf.Program, in Input) error {
	if x.event == nil {
		x.one = time.Hour
		for range probes {
			begun := time.Now()
			if _, err := p.Run(in.options(p.Type(), 1)); err != nil {
				return err
			}
			x.one = min(x.one, max(1, time.Since(begun)))
		}
		return nil
	}
	if err := x.event.reaches(entry); err != nil {
		return err
	}
	at, err := x.event.attach(p)
	if err != nil {
		return err
	}
	defer at.Close()
	return x.event.fire()
}

func (x *executor) close() error {
	if x.event == nil || x.event.close == nil {
		return nil
	}
	return x.event.close()
}

// attached is a program that events execute, while it is.
func (x *executor) attached(p *ebpf.Program) (io.Closer, error) {
	if x.event == nil {
		return io.NopCloser(nil), nil
	}
	at, err := x.event.attach(p)
	if err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	return at, nil
}

// startExecuting attaches the callers to what executes them. If nothing can, the reason is kept.
func (l *loaded) startExecuting(c *Config) error {
	l.executor = newExecutor(l.entry)
	if l.idle == "" {
		if err := l.probe(l.entry, l.callers[0].Program, c.Input); err != nil {
			if lack := live.Lack(err); lack != nil {
				return lack
			}
			err = errors.Join(err, l.executor.close())
			l.executor = executor{idle: reasonOf(err), one: 1}
		}
	}
	for _, checks := range []bool{false, true} { // the newest is executed first: see endsEvent
		for i := range l.callers {
			c := &l.callers[i]
			if c.checks != checks {
				continue
			}
			var err error
			if c.at, err = l.attached(c.Program); err != nil {
				return err
			}
		}
	}
	return nil
}
