package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// An execution is of any kind of readers, which is chosen when it begins: a thread may be a plain
// reader first and a sleepable one then. The kind stands in the thread's word as long as it is
// inside. It decides one thing, which grace periods mark the thread.

// readers notes which kinds there are. A flavour that asks more of readers than a mark when a grace
// period begins would have to know later which kinds it asks.
func (sys *system) readers(s protocol.Subject) error {
	p := s.Protocol
	switch {
	case !p.NamesGraces():
	case sys.grace == protocol.GraceSelf, sys.grace == protocol.GraceQuiet, sys.counts():
		return fmt.Errorf("%w: kinds of readers, or of grace periods, with the flavour %s",
			ErrUnsupported, s.Grace.Name)
	case len(p.Readers) > protocol.MaxReaders:
		return fmt.Errorf("%w: %d kinds of readers, at most %d fit", ErrUnsupported, len(p.Readers),
			protocol.MaxReaders)
	}
	for kind := range p.Kinds() {
		name := ""
		if p.Readers != nil {
			name = p.Readers[kind].Name
		}
		sys.kinds = append(sys.kinds, name)
		for g := range sys.awaits {
			if p.Awaits(protocol.Period(g), kind) {
				sys.awaits[g] |= 1 << kind
			}
		}
	}
	return nil
}
