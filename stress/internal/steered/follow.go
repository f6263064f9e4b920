package steered

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"tailpoke/internal/vm"
	"tailpoke/internal/vm/gdb"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/steered/inside"
	"tailpoke/stress/report"
)

// A follower takes the moves of a witness in a kernel, one after the other, as far as that goes.
type follower struct {
	*machine
	w      *witness.Witness
	caller *inside.Caller
	ahead  milestone // of the mutator: it stands before that, or is over; [nowhere] if it goes on freely
	out    *report.KernelSteps
}

// nowhere says that the mutator has come to no milestone since its last move.
const nowhere milestone = 255

// errRefused is the error of a move that the kernel does not make. It is no fault of anybody.
type errRefused struct{ why string }

func (e errRefused) Error() string { return e.why }

func refuse(format string, args ...any) error { return errRefused{fmt.Sprintf(format, args...)} }

// Follow takes the moves of a witness in the kernel of this machine. The error is one of the harness.
func Follow(ctx context.Context, o vm.Options, w *witness.Witness) (*report.KernelSteps, error) {
	m, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer m.close()
	f := &follower{machine: m, w: w, ahead: nowhere, out: &report.KernelSteps{Release: m.facts.Release}}
	f.out.Steps = len(w.Steps)
	err = f.all(ctx)
	refused, no := errors.AsType[errRefused](err)
	died, dead := errors.AsType[*Died](err)
	switch {
	case dead && died.Fault.Emulator != "":
		return nil, fmt.Errorf("%s: %w", died.Fault.Emulator, died)
	case no:
		f.out.Outcome, f.out.Text = report.Refused, refused.why
	case dead && f.out.Taken == f.out.Steps:
		f.out.Outcome, f.out.Then = report.Taken, "the kernel died: "+died.Fault.Line
	case dead && f.mismatch():
		f.out.Outcome, f.out.Taken, f.out.Seen = report.Taken, f.out.Steps, "the kernel died: "+died.Fault.Line
	case dead:
		f.out.Outcome, f.out.Text = report.Differs, "the kernel died: "+died.Fault.Line
	case err != nil:
		return nil, err
	default:
		f.out.Outcome = report.Taken
	}
	return f.out, nil
}

func (f *follower) all(ctx context.Context) error {
	name := inside.Sub
	for i := range f.w.Steps {
		if f.w.Steps[i].Action.Reader == "sleepable" {
			name = inside.Sleeps + inside.Sub
		}
	}
	for i := range f.facts.Callers {
		if f.facts.Callers[i].Name == name {
			f.caller = &f.facts.Callers[i]
		}
	}
	if f.out.Caller = name; f.caller == nil {
		return refuse("the kernel loads no caller %s: %s", name, f.facts.Refused[name])
	}
	if err := f.set(ctx, f.caller, none); err != nil {
		return err
	}
	for i := range f.w.Steps {
		s := &f.w.Steps[i]
		if err := f.fits(s); err != nil {
			return err
		}
		if err := f.step(ctx, s); err != nil {
			return err
		}
		f.out.Taken++
		if err := f.note(i, s); err != nil {
			return err
		}
	}
	return f.end(ctx)
}

// mismatch reports whether what is left is a poke that finds other bytes than it expects: the kernel
// makes it in one go with what comes before.
func (f *follower) mismatch() bool {
	last := len(f.w.Steps) - 1
	return f.w.Steps[last].Action.Do == witness.Mismatch && f.out.Taken >= last-1
}

// fits reports whether a step is one of the guest's threads, at its only site.
func (f *follower) fits(s *witness.Step) error {
	switch a := &s.Action; {
	case s.Actor.Kind == witness.Mutator && s.Actor.Index > 0:
		return refuse("it is a move of the %v, and the guest has one mutator", s.Actor)
	case s.Actor.Kind == witness.Thread && s.Actor.Index >= len(f.readers):
		return refuse("it is a move of %v, and the guest has %d readers", s.Actor, len(f.readers))
	case s.Actor.Kind == witness.Loader && a.Copy <= 0 && a.Site < len(f.w.Sites): // one copy
	case a.Site > 0 && f.w.Sites[a.Site].In != "" && a.Do != witness.Store: // of a copy, and not to be seen
	case a.Site > 0 || a.Key > 0 || s.Call != nil && s.Call.Key > 0:
		return refuse("it concerns another site or key than the first, and the guest's caller has one: stress run --sites 1 gives such a witness")
	case a.Prog >= len(f.caller.Programs):
		return refuse("it names program %d, and the guest has %d", a.Prog, len(f.caller.Programs))
	case a.Copy != witness.None:
		return refuse("it is of a copy of the caller, and the guest has none")
	}
	return nil
}

// step takes one step.
func (f *follower) step(ctx context.Context, s *witness.Step) error {
	if s.Actor.Kind == witness.Thread {
		return f.thread(ctx, f.readers[s.Actor.Index], s)
	}
	if s.Actor.Kind == witness.Loader {
		return f.loads(ctx, s)
	}
	if c := s.Call; c != nil {
		prog := none
		if c.Kind == protocol.Put {
			prog = c.Prog
		}
		if err := f.begin(prog); err != nil {
			return err
		}
	}
	switch a := &s.Action; a.Do {
	case witness.Call:
		return f.begin(a.Prog)
	case witness.Store:
		if a.Step.Sync {
			return f.goOn(ctx)
		}
		return f.store(ctx, s)
	case witness.Wait:
		return f.come(ctx, wait)
	case witness.Waited:
		return f.goOn(ctx)
	case witness.Return:
		return f.come(ctx, returned)
	case witness.Mismatch:
		if err := f.goOn(ctx); err != nil {
			return err
		}
		return refuse("the kernel's mutator %v", f.ahead)
	}
	return nil // it shows in nothing that can be seen from the outside
}

// loads takes a step of the loader: it is held before its copy's text is known, and not before.
func (f *follower) loads(ctx context.Context, s *witness.Step) error {
	switch s.Action.Do {
	case witness.Load:
		return f.load(ctx, f.caller)
	case witness.Known, witness.Open, witness.Unloaded:
		if f.loader.state == parked {
			return f.known(ctx)
		}
	case witness.Unload, witness.Untrack, witness.FreeCopy, witness.Unknown:
		return refuse("the guest unloads no copy")
	}
	return nil
}

func (f *follower) begin(prog int) error {
	f.ahead = nowhere
	return f.operate(f.caller, prog)
}

// goOn lets the mutator go on to its next milestone, and holds it before that.
func (f *follower) goOn(ctx context.Context) error {
	at, where, err := f.mutate(ctx, store, wait)
	if err != nil {
		return err
	}
	if at == blocked {
		return refuse("the mutator waits in %s", where)
	}
	f.ahead = at
	return nil
}

// come takes the mutator to a milestone, if that is its next one.
func (f *follower) come(ctx context.Context, to milestone) error {
	if f.ahead == nowhere {
		if err := f.goOn(ctx); err != nil {
			return err
		}
	}
	if f.ahead != to {
		return refuse("the kernel's mutator %v", f.ahead)
	}
	return nil
}

// store has the mutator make one store, and holds what the slots have then against the step.
func (f *follower) store(ctx context.Context, s *witness.Step) error {
	if err := f.come(ctx, store); err != nil {
		return err
	}
	at, err := f.target()
	if err != nil {
		return err
	}
	if slot := f.slotAt(at); slot != s.Action.Slot {
		return refuse("the kernel's mutator is before a store to its %v", slot)
	}
	if _, _, err := f.mutate(ctx, stored); err != nil {
		return err
	}
	f.ahead = nowhere
	return f.same(&f.mutator.thread, s)
}

// target is the address that a mutator is about to store to.
func (f *follower) target() (at uint64, err error) {
	for _, r := range []int{gdb.RSI, gdb.RDI} {
		if at, err = f.cpus.Reg(f.mutator.id, r); err != nil || f.mutator.window.Has(at) {
			return at, err
		}
	}
	return 0, fmt.Errorf("the mutator is at no store of ours")
}

func (f *follower) slotAt(at uint64) protocol.Slot {
	if at >= f.caller.Slots[1].At {
		return 1
	}
	return 0
}

// same holds the slots' bytes against what the step says that they hold.
func (f *follower) same(t *thread, s *witness.Step) error {
	got, err := f.slots(t, f.caller)
	if err != nil {
		return err
	}
	for i, b := range got {
		slot := protocol.Slot(i)
		if want := bytesOf(f.caller, slot, s.Sites[0].Slots[i].SlotText); !bytes.Equal(b, want) {
			return refuse("%v holds %s", slot, words(f.caller, slot, b))
		}
	}
	return nil
}

// end says what was seen of the violation, and lets all go.
func (f *follower) end(ctx context.Context) error {
	for _, r := range f.readers {
		if r.isA {
			f.out.Seen = fmt.Sprintf("reader %d went on in its caller, its frame unwound", r.index)
		}
		if r.state != parked || !r.out {
			continue
		}
		value, err := f.leave(ctx, r)
		if err != nil {
			return err
		}
		f.out.Then = fmt.Sprintf("reader %d returned %d", r.index, value)
		if value == inside.Lost {
			f.out.Then += ": its caller's registers are lost"
		}
	}
	if strings.TrimSpace(f.out.Seen) == "" && f.w.Property == protocol.NeverA {
		return refuse("all steps were taken, and state A was not seen")
	}
	return nil
}
