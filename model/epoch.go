package model

import "tailpoke/patcher/protocol"

// Two flavours of grace periods are modelled by how they work (package patcher/rcu), and not
// by what they promise. A reader reads the epoch and stores it in its slot. The store waits in
// the store buffer of its CPU for any time, while the thread goes on. The waiter increments the
// epoch, makes a barrier on every CPU, which empties the store buffers, and looks at each slot
// until it holds nothing or no older epoch.
//
// Epochs are never compared. A grace period sets its bit of every thread that has read the
// epoch: what these have stored, or are about to store, is older. A look that does not find it,
// because the store is still in the buffer or was not made, clears the bit. A thread that was
// about to store when the barrier was made enters its section after it, so nothing is lost
// there. Without the barrier, something is.
//
// The store that ends a section is taken to be seen at once: seen later, it would only make a
// waiter wait longer. A sync of a poke empties store buffers too: it interrupts the CPUs as the
// barrier does.

// counts reports whether grace periods are modelled by their epochs.
func (sys *system) counts() bool {
	return sys.grace == protocol.GraceCounter || sys.grace == protocol.GraceNoBarrier
}

// drain empties the store buffers.
func (e *expander) drain(y *state) {
	for i := e.sys.threads; i < e.sys.words; i++ {
		y[i] = hiddenField.put(y[i], 0)
	}
}

// scan looks at the slots of the threads that have the bit f.
func (e *expander) scan(f field, actor int8) {
	if !e.sys.counts() {
		return
	}
	for i, t := range e.threadWords() {
		stored := placeField.of(t) != entering && hiddenField.of(t) == 0
		if f.of(t) == 0 || stored {
			continue
		}
		e.from()[e.sys.threads+i] = f.put(t, 0)
		e.found(move{moveScan, actor, int8(i)}, noFault)
	}
}
