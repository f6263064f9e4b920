package exec

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Look asks every thread where it stands. One that runs notes it at once; one that was descheduled
// when it goes on, before it executes anything more.
func (p *Pool) Look() {
	for _, t := range p.threads {
		if tid := t.tid.Load(); tid != 0 {
			unix.Tgkill(unix.Getpid(), int(tid), lookSignal)
		}
	}
}

// Looked says how often a thread has noted where in an image it stood, and where that was last.
func (p *Pool) Looked(thread int) (looks, at uint64) {
	f := p.threads[thread].frame
	return atomic.LoadUint64(&f.looks), atomic.LoadUint64(&f.lookedAt)
}
