package sim

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// Thread i is of kind i mod kinds of readers.

// kinds is how many kinds there are.
func (c *Config) kinds() int { return c.Subject.Protocol.Kinds() }

// reader is the kind of a thread, by its name; "" where there is one kind without a name.
func (c *Config) reader(thread int) string {
	kinds := c.Subject.Protocol.Readers
	if len(kinds) == 0 {
		return ""
	}
	return kinds[thread%len(kinds)].Name
}

// threadsText says how many threads there are, and of which kinds.
func (c *Config) threadsText() string {
	n := c.Subject.Shape.Threads
	text := fmt.Sprintf("%d threads", n)
	if n == 1 {
		text = "1 thread"
	}
	if len(c.Subject.Protocol.Readers) == 0 {
		return text
	}
	names := make([]string, n)
	for i := range names {
		names[i] = c.reader(i)
	}
	return fmt.Sprintf("%s (%s)", text, strings.Join(names, ", "))
}

// waiter is what a grace period bit is for.
const waiter = 0

// waitedFor counts the threads that a grace period waits for.
func (s *system) waitedFor(x state, n int) int {
	count := 0
	for i := s.threadsFrom; i < len(x); i += s.stride {
		if x[i]&graceBit(n) != 0 {
			count++
		}
	}
	return count
}

// beginGrace marks the threads that are inside their sections, of the kinds that the period waits
// for. Those that are not the subject's own have no flavour.
func (s *system) beginGrace(x state, m *mutator, n int, period protocol.Period) {
	flavour := s.Subject.Grace.Kind
	if period != protocol.OwnPeriod {
		if flavour == protocol.GraceForget {
			m.kept |= 1 << n
		}
		flavour = protocol.GraceEpoch
	}
	if flavour == protocol.GraceSleep {
		return // it may end at once
	}
	for i := range s.threads {
		w := &x[s.wordOf(i)]
		if *w&localMask != s.idle && s.Subject.Protocol.Awaits(period, i%s.kinds()) {
			*w |= graceBit(n)
		}
	}
}

// endGraces ends grace periods as soon as they can end. Later would be allowed as well, but
// shows no more: what waits for a grace period is not held up, and a program that is freed
// early is found by a thread that would find it later.
func (s *system) endGraces(x state) {
	forgets := s.Subject.Grace.Kind == protocol.GraceForget
	m := mutatorOf(x[mutatorWord])
	for n := range len(s.texts) {
		allowed := 0
		if forgets && m.kept>>n&1 == 0 {
			allowed = 1 // any one may be the one that was forgotten
		}
		if n != waiter && statusOf(x[textsWord], n) != retiring || s.waitedFor(x, n) > allowed {
			continue
		}
		for i := s.threadsFrom; i < len(x); i += s.stride {
			x[i] &^= graceBit(n)
		}
		m.kept &^= 1 << n
		if n != waiter {
			s.free(x, n)
		}
	}
	if forgets {
		x[mutatorWord] = m.pack()
	}
}
