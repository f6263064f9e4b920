package protocol

import "slices"

// OpKind is an operation on a key of a prog array.
type OpKind uint8

// The operations.
const (
	Install OpKind = iota // the key held nothing and is given a program
	Update                // the key held a program and is given another
	Remove                // the key held a program and is emptied

	// OpKinds is how many operations there are.
	OpKinds = 3

	// The grammar has steps of two more, which concern a copy of the caller and no key.
	opLoad   OpKind = OpKinds
	opUnload OpKind = OpKinds + 1
)

var opNames = [...]string{"install", "update", "remove", "load", "unload"}

// String returns the operation's name in the protocol grammar.
func (k OpKind) String() string { return opNames[k] }

// OpByName returns the install, update or remove that the grammar calls by a name.
func OpByName(name string) (OpKind, bool) {
	k, ok := opByName(name)
	return k, ok && k < OpKinds
}

// Gives reports whether the operation gives the key a program.
func (k OpKind) Gives() bool { return k != Remove }

// Replaces reports whether the operation takes a program from the key.
func (k OpKind) Replaces() bool { return k != Install }

// StepKind is the kind of a [Step].
type StepKind uint8

// The kinds of steps.
const (
	Publish StepKind = iota // exchange the map's pointer
	Each                    // run Body for every stable descriptor of the key
	Poke                    // write To into Slot of the current descriptor
	Wait                    // wait for a grace period; with IfChanged, only if a poke changed a byte
	Retire                  // free the replaced program after a grace period, without waiting
	Free                    // free the replaced program at once; in an unload, the copy

	Track   // of a load: put the copy's descriptors on the map's list
	Read    // of a load: read what the map's pointer names
	Stable  // of a load: let operations poke the descriptor
	Open    // of a load: let executions begin in the copy
	Untrack // of an unload: take the copy's descriptors off the list

	// Known and Unknown: from here on the kernel knows the copy's text (bpf_prog_kallsyms_add), or no
	// more. Where a load has the former, an operation's poke of text that is not known is refused, and
	// taken for done: kernels before 6.7 (4b7de801606e). A load's own pokes ask nobody.
	Known
	Unknown
)

// A Step is one step of an operation.
type Step struct {
	Kind StepKind
	Slot Slot    // Poke
	To   Content // Poke
	Body []Step  // Each

	// Grace, of a Wait or a Retire, is the grace period that is waited for.
	Grace Period

	// IfChanged, of a Wait: it is skipped if no poke before it changed a byte. Inside each, those
	// of its own descriptor count; outside, those of the whole operation.
	IfChanged bool
}

// A Protocol is the order in which operations change a prog array and its sites.
type Protocol struct {
	Name    string
	Readers []Reader // the kinds of callers; nil: one, which the subject's grace periods wait for
	Ops     [OpKinds][]Step

	Load, Unload []Step // how copies of the caller come and go; nil: the kernel's way
	Mutex        Mutex  // which operations exclude each other
}

// Clone returns a copy that shares no memory with p.
func (p Protocol) Clone() Protocol {
	for op := range opUnload + 1 {
		if list := p.list(op); *list != nil {
			*list = cloneSteps(*list)
		}
	}
	if p.Readers != nil {
		p.Readers = slices.Clone(p.Readers)
		for i, r := range p.Readers {
			p.Readers[i] = r.clone()
		}
	}
	return p
}

// Same reports whether two protocols do the same, whatever they are called.
func (p Protocol) Same(q Protocol) bool {
	for op := range p.Ops {
		if !sameSteps(p.Ops[op], q.Ops[op]) {
			return false
		}
	}
	return p.Mutex == q.Mutex && slices.EqualFunc(p.Readers, q.Readers, Reader.same) &&
		sameSteps(p.LoadSteps(), q.LoadSteps()) && sameSteps(p.UnloadSteps(), q.UnloadSteps())
}

func sameSteps(a, b []Step) bool {
	return slices.EqualFunc(a, b, func(a, b Step) bool {
		return a.Kind == b.Kind && a.Slot == b.Slot && a.To == b.To && a.IfChanged == b.IfChanged && a.Grace == b.Grace &&
			sameSteps(a.Body, b.Body)
	})
}

func cloneSteps(steps []Step) []Step {
	out := make([]Step, len(steps))
	for i, s := range steps {
		out[i] = s
		if s.Kind == Each {
			out[i].Body = cloneSteps(s.Body)
		}
	}
	return out
}

// NoDesc is the descriptor of an [Action] that concerns none.
const NoDesc = -1

// An Action is a step as it is carried out on a given number of descriptors.
type Action struct {
	Kind StepKind // never Each
	Desc int      // index of the descriptor in tracking order, or NoDesc
	Slot Slot     // Poke
	To   Content  // Poke

	Grace Period // Wait, Retire

	// IfChanged and Since belong to Wait. With IfChanged it is skipped when no poke among the
	// actions from index Since up to this one changed a byte.
	IfChanged bool
	Since     int

	// First says that an iteration of each begins here. An operation skips all of it if the
	// descriptor is not stable, and a load holds the mutex for all of it.
	First bool
}

// Unroll lists the actions of an operation on a key that has descs stable
// descriptors, in the order in which they happen.
func (p Protocol) Unroll(op OpKind, descs int) []Action { return unroll(p.Ops[op], descs) }

func unroll(steps []Step, descs int) []Action {
	var out []Action
	for _, s := range steps {
		if s.Kind != Each {
			out = append(out, Action{Kind: s.Kind, Desc: NoDesc, IfChanged: s.IfChanged, Grace: s.Grace})
			continue
		}
		for d := range descs {
			since := len(out)
			for i, b := range s.Body {
				a := Action{Kind: b.Kind, Desc: d, Slot: b.Slot, To: b.To, Grace: b.Grace, First: i == 0}
				if b.IfChanged {
					a.IfChanged, a.Since = true, since
				}
				out = append(out, a)
			}
		}
	}
	return out
}
