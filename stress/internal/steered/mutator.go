package steered

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tailpoke/internal/vm/gdb"
	"tailpoke/stress/internal/steered/inside"
)

// The mutator's moves are told from the outside, by breakpoints at functions of the kernel: each store
// of a poke is one call of __text_poke, and a removal waits in synchronize_rcu.

// A mutator is the thread that carries operations out.
type mutator struct {
	thread
	caller *inside.Caller // whose key it changes
	window inside.Region  // the slots
	waits  uint64         // in a grace period: where that returns; else 0
	done   bool           // the operation has returned
	failed string         // what it returned
}

// A milestone is something that a mutator comes to.
type milestone uint8

const (
	store    milestone = iota // before a store
	stored                    // after it, and before the CPUs are told
	wait                      // before a grace period
	returned                  // the operation is over
	blocked                   // nowhere: it waits for somebody
)

// naps is how many times the guest's last CPU sleeps before a mutator that comes to nothing is said to
// be blocked: a third of a second of the guest's time, in which that CPU gets to run as often.
const naps = 60

// none stands for no program.
const none = -1

// poke is where stores are made.
func (m *machine) poke() uint64 { return m.facts.Symbols["__text_poke"] }

// operate begins an operation, which goes on once the machine runs: prog is [none] for a removal.
func (m *machine) operate(c *inside.Caller, prog int) error {
	u := &m.mutator
	first, last := c.Slots[0].At, c.Slots[len(c.Slots)-1].At+slotSize
	u.caller, u.window = c, inside.Region{At: first, Size: last - first}
	u.state, u.waits, u.done, u.failed = going, 0, false, ""
	return m.vm.Say(orderOf(c, prog))
}

func orderOf(c *inside.Caller, prog int) string {
	if prog == none {
		return "delete " + c.Name
	}
	return fmt.Sprintf("put %s %d", c.Name, prog)
}

// mutate lets the mutator go on to the next of these milestones, to the operation's end, or to where it
// is blocked, and says in which function. Everything runs meanwhile; readers are in their spins.
func (m *machine) mutate(ctx context.Context, to ...milestone) (at milestone, where string, err error) {
	u := &m.mutator
	m.moves++
	if u.state == parked {
		if err := m.unpark(ctx, &u.thread); err != nil {
			return 0, "", err
		}
		if u.at == m.poke() {
			return stored, "", m.finishStore(ctx)
		}
	}
	m.rests++
	if err := m.vm.Say(fmt.Sprintf("rest %d %d", naps, m.rests)); err != nil {
		return 0, "", err
	}
	for {
		switch {
		case u.done:
			return returned, "", m.over(ctx)
		case m.rested == m.rests:
			where, err := m.stuck(ctx)
			return blocked, where, err
		}
		e, err := m.await(ctx, mostQuiet, m.stops())
		if errors.Is(err, errSilent) {
			if crossing, err := m.crosses(ctx); crossing || err != nil {
				return blocked, crossCall, err
			}
			e, err = m.next(ctx, m.stops()...)
		}
		if err != nil {
			return 0, "", err
		}
		if e.line != "" {
			continue
		}
		at, reached, err := m.arrived(ctx, e, to)
		if err != nil || reached {
			return at, "", err
		}
	}
}

// stops are the addresses at which a mutator that goes on is looked at.
func (m *machine) stops() []uint64 {
	if u := &m.mutator; u.waits != 0 {
		return []uint64{m.poke(), u.waits}
	}
	return []uint64{m.poke(), m.facts.Symbols["synchronize_rcu"]}
}

// arrived looks at a thread that has stopped at one of these.
func (m *machine) arrived(ctx context.Context, e event, to []milestone) (milestone, bool, error) {
	u := &m.mutator
	switch {
	case e.pc == m.poke():
		mine, err := m.stores(e.stop)
		switch {
		case err != nil:
			return 0, false, err
		case !mine:
			return 0, false, m.past(ctx, e.stop)
		case slices.Contains(to, store):
			return store, true, m.park(&u.thread, e.pc)
		}
		return stored, true, m.finishStore(ctx)
	case e.stop.Thread == u.id && e.pc == u.waits:
		u.waits = 0
		return 0, false, nil
	case e.pc == m.facts.Symbols["synchronize_rcu"]:
		back, err := m.top(e.stop)
		if err != nil {
			return 0, false, err
		}
		if e.stop.Thread != u.id || !m.within(back, "bpf_arch_poke_desc_update", "prog_array_map_poke_run") {
			return 0, false, m.past(ctx, e.stop)
		}
		if u.waits = back; slices.Contains(to, wait) {
			return wait, true, m.park(&u.thread, e.pc)
		}
		return 0, false, nil
	}
	return 0, false, fmt.Errorf("CPU %d stopped at %#x, which is no place of ours", e.stop.Thread-1, e.pc)
}

// stores reports whether a thread at __text_poke stores into a slot of ours. Its arguments were (address,
// bytes, length) up to 5.19, and have a function before them since.
func (m *machine) stores(s gdb.Stop) (bool, error) {
	if s.Thread != m.mutator.id || m.mutator.state != going {
		return false, nil
	}
	for _, r := range []int{gdb.RSI, gdb.RDI} {
		at, err := m.cpus.Reg(s.Thread, r)
		if err != nil {
			return false, err
		}
		if m.mutator.window.Has(at) {
			return true, nil
		}
	}
	return false, nil
}

// finishStore lets all run until the mutator, which is at __text_poke, returns from there, and parks it.
func (m *machine) finishStore(ctx context.Context) error {
	u := &m.mutator
	back, err := m.top(gdb.Stop{Thread: u.id})
	if err != nil {
		return err
	}
	if err := m.past(ctx, gdb.Stop{Thread: u.id}); err != nil {
		return err
	}
	for {
		e, err := m.next(ctx, back)
		if err != nil {
			return err
		}
		if e.line == "" && e.stop.Thread == u.id && e.pc == back {
			return m.park(&u.thread, back)
		}
		if e.line == "" {
			return fmt.Errorf("CPU %d stopped at %#x while CPU 0 stores", e.stop.Thread-1, e.pc)
		}
	}
}

// top is the address that a function returns to whose first instruction is not executed yet.
func (m *machine) top(s gdb.Stop) (uint64, error) {
	sp, err := m.cpus.Reg(s.Thread, gdb.RSP)
	if err != nil {
		return 0, err
	}
	return m.word(s.Thread, sp)
}

// within reports whether an address lies in one of these functions.
func (m *machine) within(at uint64, names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return m.facts.Symbols[n] != 0 && at >= m.facts.Symbols[n] && at < m.facts.Ends[n]
	})
}

// over ends an operation that has returned.
func (m *machine) over(ctx context.Context) error {
	u := &m.mutator
	u.state = free
	if u.failed != "" {
		return fmt.Errorf("the guest's operation failed: %s", u.failed)
	}
	return m.halt(ctx)
}

// stuck says in which function a mutator is that came to nothing. One that sleeps is asked for its
// stack. One that spins is looked for where CPUs wait for others: it may have been in an interrupt.
func (m *machine) stuck(ctx context.Context) (string, error) {
	if m.mutator.waits != 0 {
		return "synchronize_rcu", m.halt(ctx)
	}
	where := ""
	for range looks {
		at, err := m.standing(ctx)
		if err != nil {
			return "", err
		}
		if m.within(at, crossCall) {
			return crossCall, nil
		}
		stack, err := m.order(ctx, "stack")
		if err != nil {
			return "", err
		}
		if f := strings.Fields(stack); len(f) > 1 && f[0] != "R" {
			return f[1], nil
		}
		if where, err = m.order(ctx, fmt.Sprintf("name %x", at)); err != nil {
			return "", err
		}
		where, _, _ = strings.Cut(where, "+")
	}
	return where, nil
}

// mostQuiet is how long a mutator may come to nothing, in seconds of the machine's time, before it is looked
// for where CPUs wait for others. The guest's last CPU may wait there as well, for a reader that is held in
// the trap's handler, and then it cannot say that it has slept.
const mostQuiet = 5

// crosses reports whether a mutator waits for other CPUs. The machine stands then.
func (m *machine) crosses(ctx context.Context) (bool, error) {
	for range looks {
		at, err := m.standing(ctx)
		if err != nil || m.within(at, crossCall) {
			return err == nil, err
		}
		if err := m.resume(m.stops()); err != nil {
			return false, err
		}
		time.Sleep(time.Millisecond)
	}
	return false, nil
}

// standing halts the machine, and says where the mutator is.
func (m *machine) standing(ctx context.Context) (uint64, error) {
	if err := m.halt(ctx); err != nil {
		return 0, err
	}
	return m.cpus.Reg(m.mutator.id, gdb.RIP)
}

// crossCall is where a CPU waits for others to have done something, and looks is how often a mutator
// is looked for there.
const (
	crossCall = "smp_call_function_many_cond"
	looks     = 20
)

// String says what a mutator has come to.
func (a milestone) String() string {
	return [...]string{"is before a store", "has made a store", "begins to wait", "has returned", "waits"}[a]
}
