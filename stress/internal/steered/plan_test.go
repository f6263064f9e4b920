package steered

import (
	"fmt"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/steered/inside"
)

// callerAt is a caller as a guest says it: no byte of it is read.
func callerAt(sleepable bool) *inside.Caller {
	const code, program = 0xffffffffc0200000, 0xffffffffc0300000
	c := &inside.Caller{
		Name: inside.Sub, Sleepable: sleepable, In: 1,
		Funcs: []inside.Region{{At: code, Size: 0x100}, {At: code + 0x100, Size: 0x80}},
		Slots: []inside.Slot{{At: code + 0x117, Out: code + 0x12e}, {At: code + 0x129}},
	}
	for i := range uint64(programs) {
		c.Programs = append(c.Programs, inside.Program{Region: inside.Region{At: program + i<<8, Size: 0x40}, Landing: program + i<<8 + 0xf})
	}
	return c
}

func subjectOf(t *testing.T, sleepable bool) protocol.Subject {
	t.Helper()
	s := protocol.DefaultSubject()
	if sleepable {
		var err error
		if s.Protocol, err = protocol.ProtocolByName("kernel-7.0"); err != nil {
			t.Fatal(err)
		}
	}
	s.Shape = protocol.Shape{Threads: 1, Sites: 1, Programs: programs, Keys: 1}
	return s
}

// says takes a schedule in the model alone, and says what comes of it.
func says(t *testing.T, p *plan, s schedule) byte {
	t.Helper()
	a, err := p.walk(s.from, s.places)
	if err != nil || a == nil {
		t.Fatalf("%v: %v", s, err)
	}
	if err := a.mutateTo(s.to); err != nil {
		t.Fatal(err)
	}
	if a.blocked {
		return letterBlocked
	}
	letter := byte(letterSkip)
	for a.broken == "" && a.position(0).Place != witness.Idle {
		if a.position(0).Place == witness.InProgram {
			letter = letterTail
		}
		a.take(a.coherent(0))
	}
	if a.broken == protocol.NeverA {
		return letterA
	}
	return letter
}

// TestPlan: how many schedules there are of each operation, and which the model says are state A or
// impossible. With sleepable callers a removal has 24 cells at three places of the site, and 8 of them
// are A.
func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		sleepable bool
		gives     int
		holds     int
		points    int
		rows      string
	}{
		"install":          {false, 0, none, 7, "bypass sssstttt "},
		"update":           {false, 1, 0, 4, "bypass ttttt after bypass ttttt target ttttt program ttttt "},
		"remove":           {false, none, 0, 7, "bypass tssswwww after bypass ttttwwww target ttttwwww program ttttwwww "},
		"sleepable remove": {true, none, 0, 7, "bypass tsssssss after bypass ttttAAAA target ttttAAAA program tttttttt "},
		"sleepable update": {true, 1, 0, 4, "bypass ttttt after bypass ttttt target ttttt program ttttt "},
	} {
		t.Run(name, func(t *testing.T) {
			caller := callerAt(c.sleepable)
			p, err := newPlan(subjectOf(t, c.sleepable), work{caller, c.holds, []int{c.gives}}, 1, placesOf(caller))
			if err != nil {
				t.Fatal(err)
			}
			p.whole = true
			rows, last := "", ""
			err = p.each(func(s schedule) (*cell, error) {
				if s.from > 0 {
					return &cell{}, nil
				}
				if s.held() != last {
					if last != "" {
						rows += " "
					}
					rows += s.held() + " "
					last = s.held()
				}
				rows += string(says(t, p, s))
				return &cell{}, nil
			}, func(schedule, *cell) { t.Error("something is left out") })
			if err != nil || p.points != c.points || rows+" " != c.rows {
				t.Errorf("%d points, %q, %v: want %d, %q", p.points, rows, err, c.points, c.rows)
			}
		})
	}
}

// TestLeftOut: what is left out comes to the same as something that is not.
func TestLeftOut(t *testing.T) {
	for _, sleepable := range []bool{false, true} {
		caller := callerAt(sleepable)
		for _, w := range works(caller, nil) {
			p, err := newPlan(subjectOf(t, sleepable), w, 1, placesOf(caller))
			if err != nil {
				t.Fatal(err)
			}
			taken, left := map[string]bool{}, 0
			err = p.each(func(s schedule) (*cell, error) {
				taken[fmt.Sprintf("%s %c", s.held(), says(t, p, s))] = true
				return &cell{}, nil
			}, func(s schedule, stuck *cell) {
				left++
				if is := fmt.Sprintf("%s %c", s.held(), says(t, p, s)); !taken[is] {
					t.Errorf("%v: %v is left out, and nothing like it is taken", w, s)
				}
			})
			if err != nil || len(taken) == 0 {
				t.Errorf("%v: %d taken, %d left out, %v", w, len(taken), left, err)
			}
		}
	}
}

// TestTwoReaders: they are at every two places.
func TestTwoReaders(t *testing.T) {
	caller := callerAt(true)
	p, err := newPlan(subjectOf(t, true), work{caller, 0, []int{none}}, 2, placesOf(caller))
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]int{}
	if err := p.each(func(s schedule) (*cell, error) { pairs[s.held()]++; return &cell{}, nil }, func(schedule, *cell) {}); err != nil {
		t.Fatal(err)
	}
	if len(pairs) != 10 || pairs["bypass and target"] != 8 { // 4 places, with themselves too
		t.Errorf("%v", pairs)
	}
}
