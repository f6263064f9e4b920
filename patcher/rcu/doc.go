// Package rcu waits for grace periods of the threads of an [exec.Pool].
//
// A reader stores the current epoch into its slot when it enters its section and 0
// when it leaves: two plain stores. All cost is on the waiting side (asymmetric
// epochs, as liburcu's memb flavour has them):
//
//	reader                         waiter
//	slot = epoch   (plain)         epoch++
//	...reads, runs text...         membarrier: orders every reader's store
//	slot = 0       (plain)         wait until slot == 0 or slot >= epoch, each reader
//
// The epoch is a 64-bit counter that never wraps, so one pass suffices: a reader that
// loaded the old epoch and stores it late is waited for, needlessly but harmlessly. No
// barrier follows the wait: on x86 a reader's loads are done before its store of 0 is
// seen, and the waiter's stores follow its loads.
//
// # Why a wait takes long, and boosting
//
// A reader's section lasts nanoseconds, but a thread can be descheduled inside it. With
// 64 threads on 2 CPUs a grace period then lasts a round of the scheduler, 150 ms. The
// waiter therefore runs at a real-time priority ([Elevate]) and lends a lower one to
// the reader it waits for; it sleeps between looks, so that a reader on its own CPU
// runs. Where the right to do so is missing, readers yield often instead
// (exec.PoolConfig.YieldEvery) and the waiter yields.
//
// # Flavours
//
// [protocol.GraceEpoch] is the correct one. [protocol.GraceForget] forgets the first
// reader, [protocol.GraceSleep] waits [SleepTime] whoever is inside: these are mutants.
package rcu
