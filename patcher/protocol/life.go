package protocol

// LoadSteps returns the steps of a load: those of p, or the kernel's.
func (p Protocol) LoadSteps() []Step { return stepsOr(p.Load, opLoad, kernelLoad) }

// UnloadSteps returns the steps of an unload: those of p, or the kernel's.
func (p Protocol) UnloadSteps() []Step { return stepsOr(p.Unload, opUnload, kernelUnload) }

func stepsOr(own []Step, op OpKind, text string) []Step {
	if own != nil {
		return own
	}
	return must(parseSteps(text, op))
}

// UnrollLoad lists the actions of the load of a copy with descs descriptors. A wait is
// guarded by pokes as it is in an operation.
func (p Protocol) UnrollLoad(descs int) []Action { return unroll(p.LoadSteps(), descs) }

// UnrollUnload lists the actions of an unload.
func (p Protocol) UnrollUnload() []Action { return unroll(p.UnloadSteps(), 0) }

// A Mutex says which operations and fixups of loads exclude each other. An operation holds
// it from its first step to its last, a load for one descriptor at a time.
type Mutex uint8

// The mutexes. Single pokes exclude each other in any case (text_mutex).
const (
	MutexMap  Mutex = iota // one for all keys of a map (poke_mutex)
	MutexKey               // one for each key, as if every key had a map of its own
	MutexNone              // none
)

var mutexNames = [...]string{MutexMap: "map", MutexKey: "key", MutexNone: "none"}

// String returns the mutex's name in the protocol grammar.
func (m Mutex) String() string { return mutexNames[m] }
