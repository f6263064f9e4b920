package steered

import (
	"errors"
	"testing"

	"tailpoke/internal/vm"
	"tailpoke/patcher/protocol"
)

// TestCertain: a kernel is accused of dying in a schedule if it does so twice, and of nothing that the
// emulator did.
func TestCertain(t *testing.T) {
	lives, differs := cell{letter: letterSkip}, cell{letter: letterDiffers, differs: "other bytes"}
	other := cell{letter: letterDiffers, differs: "another move"}
	dies := cell{letter: letterDiffers, died: &Died{vm.Fault{Line: "Oops"}}, ruined: true}
	faulty := cell{letter: letterDiffers, died: &Died{vm.Fault{Line: "Oops", Emulator: "emulator: no flags"}}, ruined: true}
	for name, c := range map[string]struct {
		takes                       []cell
		dead, differs, once, failed bool
		faults, anew                int
	}{
		"it lives":                      {takes: []cell{lives}},
		"it dies, and again":            {takes: []cell{dies, dies}, dead: true, anew: 1},
		"it dies at the third take":     {takes: []cell{dies, lives, dies}, dead: true, anew: 1},
		"it differs, and again":         {takes: []cell{differs, differs}, differs: true, anew: 1},
		"it dies, and then differs":     {takes: []cell{dies, differs, lives}, once: true, anew: 2},
		"it does this and that":         {takes: []cell{dies, differs, other}, once: true, anew: 2},
		"it breaks what the model says": {takes: []cell{differs, {letter: letterA, broken: protocol.NeverA}}, once: true, anew: 1},
		"it differs once":               {takes: []cell{differs, lives, lives}, once: true, anew: 1},
		"it dies once":                  {takes: []cell{dies, lives, lives}, once: true, anew: 1},
		"the emulator errs":             {takes: []cell{faulty, lives}, faults: 1, anew: 1},
		"it dies, the emulator errs":    {takes: []cell{dies, faulty, dies}, dead: true, faults: 1, anew: 2},
		"the emulator errs all along":   {takes: []cell{faulty, faulty, faulty}, failed: true, faults: 3, anew: 2},
		"it is ruined, and lives then":  {takes: []cell{dies, {letter: letterA, ruined: true}, lives}, once: true, anew: 2},
	} {
		t.Run(name, func(t *testing.T) {
			taken, anew := 0, 0
			got, once, faults, err := certain(
				func() (*cell, error) { taken++; return &c.takes[taken-1], nil },
				func() error { anew++; return nil })
			if (err != nil) != c.failed || (once != "") != c.once || faults != c.faults || anew != c.anew || taken != len(c.takes) {
				t.Errorf("once %q, %d faults, %d machines, %d takes, %v", once, faults, anew, taken, err)
			}
			if err == nil && ((got.died != nil) != c.dead || (got.differs != "") != c.differs) {
				t.Errorf("got %+v", got)
			}
		})
	}
	broken := errors.New("no machine")
	if _, _, _, err := certain(func() (*cell, error) { return &dies, nil }, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
