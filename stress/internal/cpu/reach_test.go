package cpu

import (
	"slices"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/workload"
)

// waits has installs wait, which those of the built-in protocols do not.
const waits = `protocol waits
  install  publish; each { target=jump; wait; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump; wait; target=nop }; retire
`

// eitherWay is an oracle of programs that return what falling through returns.
type eitherWay struct{ live.Oracle }

func (e eitherWay) Outcomes() []live.Outcome {
	all := slices.Clone(e.Oracle.Outcomes())
	for i := range all {
		all[i].Skip, all[i].Tail = true, true
	}
	return all
}

// TestReaches: a trial changes as many keys as there are, in a protocol's order, before there is an
// entry that a run could look at.
func TestReaches(t *testing.T) {
	slow, err := protocol.ParseProtocol(waits)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]protocol.Subject{
		"many keys": {Protocol: protocol.DefaultSubject().Protocol, Shape: protocol.Shape{Keys: lookEvery}},
		"waits":     {Protocol: slow, Shape: protocol.Shape{Keys: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t, 1, 1, "")
			c.Subject.Protocol, c.Subject.Shape.Sites, c.Subject.Shape.Keys = s.Protocol, s.Shape.Keys, s.Shape.Keys
			w, err := workload.Generate(c.Subject.Shape, false)
			if err != nil {
				t.Fatal(err)
			}
			c.Entry, c.Programs, c.Maps, c.Keys = w.Entry, w.Programs, w.Maps, w.Keys
			if c.Oracle, err = w.Oracle(t.Context(), c.Layout, w.Context); err != nil {
				t.Fatal(err)
			}
			if n, err := Reaches(c, c.Programs); err != nil || n == 0 {
				t.Errorf("%d of %d, %v", n, trialCalls, err)
			}
			c.Oracle = eitherWay{c.Oracle}
			if n, err := Reaches(c, c.Programs); err != nil || n != 0 {
				t.Errorf("%d of %d that may as well have taken no tail call, %v", n, trialCalls, err)
			}
		})
	}
}
