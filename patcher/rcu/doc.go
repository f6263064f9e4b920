// Package rcu waits for grace periods of the threads of an [exec.Pool].
//
// A reader stores the current epoch into its slot when it enters its section, and 0
// when it leaves: two plain stores. The waiting side bears all cost (asymmetric
// epochs, as in liburcu's memb flavour):
//
//	reader                         waiter
//	slot = epoch   (plain)         epoch++
//	...reads, runs text...         membarrier: orders every reader's store
//	slot = 0       (plain)         wait until slot == 0 or slot >= epoch, each reader
//
// The epoch is a 64-bit counter that never wraps, so one pass suffices. A reader may load
// the old epoch and store it late; waiting for it is needless but harmless. No barrier
// follows the wait: on x86 a reader's loads are done before its store of 0 is seen, and
// the waiter's stores follow its loads.
//
// # Why a wait takes long, and boosting
//
// A reader's section lasts nanoseconds, but a thread can be descheduled inside it. With
// 64 threads on 2 CPUs a grace period then lasts a round of the scheduler, 150 ms. The
// waiter therefore runs at a real-time priority ([Elevate]) and lends a lower one to
// the reader it waits for. Between looks it sleeps, so that a reader on the same CPU can
// run. Without the right to set priorities, readers yield often instead
// (exec.PoolConfig.YieldEvery), and so does the waiter.
//
// # Domains
//
// A domain waits for its own readers alone, as synchronize_rcu does not wait for a reader under
// rcu_read_lock_trace. All domains of a pool count on with one epoch. That makes none of them wait
// longer: each compares with the epoch that its own grace period began with.
//
// # Flavours
//
// [protocol.GraceEpoch] is the correct one. Two are mutants: [protocol.GraceForget] does not
// wait for the first reader, and [protocol.GraceSleep] waits [SleepTime] and looks at no reader.
package rcu
