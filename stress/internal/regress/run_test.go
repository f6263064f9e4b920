package regress

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tailpoke/stress/report"
)

// script is a column that gives, run by run, what a test says.
type script struct {
	era   Era
	runs  []scripted
	calls []string // what it was asked to do
	open  error    // answers Open
}

// scripted is what a run gives: the variable n afterwards, and the result.
type scripted struct {
	n   uint64
	r0  uint32
	err error
}

// scriptSession is a session of it. Variables are its own.
type scriptSession struct {
	*script
	vars map[string]uint64
	held map[uint32]bool
}

func (c *script) column() Column { return Column{"script", c.era, c.Open} }

func (c *script) Open(*Case) (Session, error) {
	c.calls = append(c.calls, "open")
	return &scriptSession{c, map[string]uint64{}, map[uint32]bool{}}, c.open
}

func (s *scriptSession) Put(m string, key uint32, prog string) error {
	s.calls = append(s.calls, fmt.Sprintf("put %s[%d] = %s", m, key, prog))
	s.held[key] = true
	return nil
}

func (s *scriptSession) Delete(_ string, key uint32) error {
	s.calls = append(s.calls, "delete")
	if !s.held[key] {
		return ErrNoKey
	}
	delete(s.held, key)
	return nil
}

func (s *scriptSession) Reload(string) error { return nil }

func (s *scriptSession) Run(string, Input) (uint32, error) {
	s.calls = append(s.calls, "run")
	r := s.runs[0]
	s.runs = s.runs[1:]
	s.vars["n"] += r.n
	return r.r0, r.err
}

func (s *scriptSession) Variable(name string) (uint64, error) { return s.vars[name], nil }

func (s *scriptSession) SetVariable(name string, v uint64) error {
	s.vars[name] = v
	return nil
}

// Element has one element, of one byte.
func (s *scriptSession) Element(_ string, key []byte) ([]byte, error) {
	if key[0] != 1 {
		return nil, ErrNoKey
	}
	return []byte{10}, nil
}

func (s *scriptSession) Close() error {
	s.calls = append(s.calls, "close")
	return nil
}

// limited is a case of one run, with another result in every era.
func limited() *Case {
	refused := Want{R0: 7, Tails: 1, Breaks: NoMiss}
	byChance := refused
	byChance.Chance = true
	return &Case{Name: "limited", Origin: "-", Programs: []string{"main"}, Count: []string{"n"}, Steps: steps(
		runs(plain, Want{R0: 1, Tails: 33}).
			but(Seed, neverEnds).but(V510, Want{R0: 1, Tails: 31}).but(V510Unrounded, byChance),
	)}
}

// TestJudging: what each outcome of a run is, in each era.
func TestJudging(t *testing.T) {
	endless := fmt.Errorf("column: %w", ErrEndless)
	for _, c := range []struct {
		name string
		era  Era
		run  scripted
		want string // the cell
		note string // a part of the note
	}{
		{"as expected", V612, scripted{33, 1, nil}, "ok", ""},
		{"another result", V612, scripted{33, 2, nil}, "differs", "the result is 0x2, expected 0x1"},
		{"too many", V612, scripted{34, 1, nil}, "differs: tail-limit violated", "what is violated is tail-limit: 34 tail calls, expected nothing"},
		{"too few", V612, scripted{31, 1, nil}, "differs: no-miss violated", "no-miss: 31 tail calls"},
		{"too few of another era", V510, scripted{31, 1, nil}, "ok", ""},
		{"more than the era's, within the limit", V510, scripted{33, 1, nil}, "differs", "the number of tail calls is 33, expected 31"},
		{"no end", Seed, scripted{1 << 20, 0, endless}, "ok: tail-limit violated", ""},
		{"no end, and no tail calls", Seed, scripted{5, 0, endless}, "differs", "what is violated is nothing, expected tail-limit"},
		{"an end where there is none", Seed, scripted{40, 1, nil}, "differs: tail-limit violated", "the end is reached, after 40 tail calls, expected none"},
		{"no end where there is one", V612, scripted{1 << 20, 0, endless}, "differs: tail-limit violated", "the end is none"},
		{"refused", V510Unrounded, scripted{1, 7, nil}, "ok: no-miss violated", ""},
		{"not refused, by chance", V510Unrounded, scripted{31, 1, nil}, "ok", ""},
		{"neither", V510Unrounded, scripted{30, 1, nil}, "differs: no-miss violated", "no-miss: 30 tail calls, expected nothing"},
		{"seen by the column", V612, scripted{33, 1, &Violation{Registers, "rbx"}}, "differs: registers violated", "registers: rbx"},
		{"the column fails", V612, scripted{33, 1, errors.New("no memory")}, "failed", "step 1, run: no memory"},
	} {
		r := Execute(limited(), (&script{era: c.era, runs: []scripted{c.run}}).column())
		if cell(&r) != c.want || !strings.Contains(why(&r), c.note) {
			t.Errorf("%s: %v: %s; expected %s: %s", c.name, &r, why(&r), c.want, c.note)
		}
	}
}

// TestWhatRunsLeave: variables and elements of maps are judged.
func TestWhatRunsLeave(t *testing.T) {
	elem := func(key byte, value ...byte) Want { return Want{Elems: []Elem{{"m", []byte{key}, value}}} }
	for _, c := range []struct {
		want Want
		note string // "" if the case is ok
	}{
		{Want{Vars: map[string]uint64{"v": 5}}, ""},
		{Want{Vars: map[string]uint64{"v": 6}}, "variable v is 5, expected 6"},
		{elem(1, 10), ""},
		{elem(1, 11), "m[01] is 0a, expected 0b"},
		{elem(1), "m[01] is 0a, expected absent"},
		{elem(2), ""},
		{elem(2, 10), "m[02] is absent, expected 0a"},
	} {
		left := &Case{Name: "left", Programs: []string{"main"}, Steps: steps(Set{"v", 5}, runs(plain, c.want))}
		r := Execute(left, (&script{era: V612, runs: []scripted{{}}}).column())
		if (r.Cell == report.CellOK) != (c.note == "") || !strings.Contains(why(&r), c.note) {
			t.Errorf("%+v: %v: %s; expected %q", c.want, &r, why(&r), c.note)
		}
	}
}

// TestThrownOut: after a run without an end the case goes on in a new session, which has seen what
// the old one had but for its runs.
func TestThrownOut(t *testing.T) {
	c := limited()
	c.Steps = steps(
		Put{"progs", 0, "main"}, Delete{"progs", 1, true}, c.Steps, Delete{Map: "progs", Key: 0},
		runs(plain, Want{R0: 5}),
	)
	column := &script{era: Seed, runs: []scripted{{n: 100, err: ErrEndless}, {r0: 5}}}
	r := Execute(c, column.column())
	if cell(&r) != "ok: tail-limit violated" {
		t.Errorf("%v: %s", &r, why(&r))
	}
	before := []string{"open", "put progs[0] = main", "delete", "run", "close"}
	after := []string{"open", "put progs[0] = main", "delete", "delete", "run", "close"}
	if want := slices.Concat(before, after); !slices.Equal(column.calls, want) {
		t.Errorf("column was asked %q, expected %q", column.calls, want)
	}
}

// TestDeleteIsJudged: a column that says that it emptied an empty key differs, and the reverse.
func TestDeleteIsJudged(t *testing.T) {
	for _, absent := range []bool{false, true} {
		c := &Case{Name: "delete", Programs: []string{"main"}, Steps: steps(Delete{"progs", 0, absent})}
		if !absent {
			c.Steps = steps(Put{"progs", 0, "main"}, c.Steps)
		}
		if r := Execute(c, (&script{era: V612}).column()); r.Cell != report.CellOK {
			t.Errorf("absent %v: %s", absent, why(&r))
		}
		last := len(c.Steps) - 1
		c.Steps[last] = Delete{"progs", 0, !absent}
		if r := Execute(c, (&script{era: V612}).column()); r.Cell != report.CellDiffers {
			t.Errorf("absent %v: the contrary is %v", absent, &r)
		}
	}
}

// TestPokeIsJudged: a run during updates that gives what no program gives differs.
func TestPokeIsJudged(t *testing.T) {
	c := pokeCase()
	right := slices.Repeat([]scripted{{r0: 1}, {r0: 2}}, 5)
	column := &pokeScript{script{era: V612, runs: right}}
	if r := Execute(&c, column.column()); r.Cell != report.CellOK || len(column.runs) != 0 {
		t.Errorf("%v: %s; %d runs were left", &r, why(&r), len(column.runs))
	}
	missed := slices.Clone(right)
	missed[7] = scripted{r0: 0}
	if r := Execute(&c, (&pokeScript{script{era: V612, runs: missed}}).column()); r.Cell != report.CellDiffers {
		t.Errorf("a miss is %v", &r)
	}
}

// pokeScript is a script with keys that may be updated while it runs.
type pokeScript struct{ script }

func (c *pokeScript) column() Column { return Column{"script", c.era, c.Open} }

func (c *pokeScript) Open(*Case) (Session, error) {
	return &pokeSession{scriptSession{&c.script, map[string]uint64{}, nil}}, nil
}

type pokeSession struct{ scriptSession }

func (s *pokeSession) Put(string, uint32, string) error { return nil }

// TestReport: JSON of a table.
func TestReport(t *testing.T) {
	columns := []Column{
		(&script{era: Seed, runs: []scripted{{n: 100, err: ErrEndless}}}).column(),
		(&script{era: V612, runs: []scripted{{33, 2, nil}}}).column(),
		(&script{era: V612, open: fmt.Errorf("%w: no legs", ErrCannotRun)}).column(),
	}
	rep, err := Judge(t.Context(), []Case{*limited()}, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	const object = `{"columns":[{"name":"script","era":"seed"},{"name":"script","era":"v6.12"},{"name":"script","era":"v6.12"}],` +
		`"cases":[{"name":"limited","origin":"-","results":[` +
		`{"column":"script","cell":"ok","violated":["tail-limit"]},` +
		`{"column":"script","cell":"differs","difference":{"step":1,"of":"run","what":"the result","want":"0x1","got":"0x2"}},` +
		`{"column":"script","cell":"cannot run","reason":"cannot run here: no legs"}]}],` +
		`"agree":false,"cannot_run":1}`
	if string(raw) != object {
		t.Errorf("object\n%s\nexpected\n%s", raw, object)
	}
}

// cell is what came of a case, with the properties that it was found to break.
func cell(r *report.CaseResult) string {
	if len(r.Violated) == 0 {
		return string(r.Cell)
	}
	return fmt.Sprintf("%s: %s violated", r.Cell, strings.Join(r.Violated, ", "))
}

// why says why it is not as expected.
func why(r *report.CaseResult) string {
	if d := r.Difference; d != nil {
		return fmt.Sprintf("step %d, %s: %s is %s, expected %s", d.Step, d.Of, d.What, d.Got, d.Want)
	}
	return r.Reason
}
