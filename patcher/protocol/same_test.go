package protocol

import "testing"

// TestSame: a name makes no difference, and each step that a mechanical edit changes does.
func TestSame(t *testing.T) {
	s := DefaultSubject()
	other := s.Protocol.Clone()
	other.Name, other.Load = "own", other.LoadSteps()
	method := s.Method.Clone()
	method.Name = "own"
	if !s.Protocol.Same(other) || !s.Method.Same(method) {
		t.Error("a name makes a difference")
	}
	edits := 0
	for _, e := range SingleEdits(s) {
		edited, err := e.Apply(s)
		if err != nil {
			t.Fatal(err)
		}
		if edited.Protocol.Same(s.Protocol) && edited.Method.Same(s.Method) {
			t.Errorf("%v makes no difference", e)
		}
		edits++
	}
	for _, m := range []func(*Protocol){
		func(p *Protocol) { p.Mutex = MutexNone },
		func(p *Protocol) { p.Load = p.UnloadSteps() },
		func(p *Protocol) { p.Unload = p.LoadSteps() },
	} {
		p := s.Protocol.Clone()
		m(&p)
		if p.Same(s.Protocol) {
			t.Errorf("%v makes no difference", p)
		}
		edits++
	}
	method.Trap = TrapOld
	if s.Method.Same(method) || edits < 20 {
		t.Errorf("the trap's answer makes no difference, or %d edits are too few", edits)
	}
}
