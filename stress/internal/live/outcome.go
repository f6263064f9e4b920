package live

// Outcome is a value that an execution may return.
type Outcome struct {
	Value uint64
	Skip  bool // some path that gives it takes no tail call
	Tail  bool // some path that gives it takes one
	Any   bool // it stands for all values that no other outcome has; none but the last is of this kind
}

// Count adds legal executions that gave an outcome.
func (r *Result) Count(o Outcome, n uint64) {
	switch {
	case o.Any, o.Skip && o.Tail:
		r.Unknown += n
	case o.Tail:
		r.Tails += n
	default:
		r.Skips += n
	}
}
