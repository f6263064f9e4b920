package regress

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tailpoke/stress/report"
)

// execution is a case on its way through a column.
type execution struct {
	c       *Case
	column  Column
	session Session
	done    []Step // that a session must have seen to be as this one is

	at       int // step, from 1 on
	violated []string
}

// difference says where a result is not the expected one. It ends the case.
type difference struct{ what, want, got string }

func (d *difference) Error() string {
	return fmt.Sprintf("%s is %s, expected %s", d.what, d.got, d.want)
}

// Execute carries a case out in a column, and judges what came of it.
func Execute(c *Case, column Column) report.CaseResult {
	x := &execution{c: c, column: column}
	err := x.all()
	if x.session != nil {
		err = errors.Join(err, x.session.Close())
	}
	r := report.CaseResult{Column: column.Name, Violated: x.violated}
	switch d, differs := errors.AsType[*difference](err); {
	case err == nil:
		r.Cell = report.CellOK
	case errors.Is(err, ErrCannotRun):
		r.Cell, r.Reason = report.CellCannotRun, err.Error()
	case differs:
		r.Cell = report.CellDiffers
		r.Difference = &report.Difference{Step: x.at, Of: c.Steps[x.at-1].String(), What: d.what,
			Want: d.want, Got: d.got}
	default:
		r.Cell, r.Reason = report.CellFailed, err.Error()
		if x.at > 0 {
			r.Reason = fmt.Sprintf("step %d, %v: %v", x.at, c.Steps[x.at-1], err)
		}
	}
	return r
}

func (x *execution) all() error {
	if err := x.open(); err != nil {
		return err
	}
	for i, s := range x.c.Steps {
		x.at = i + 1
		if err := s.carry(x); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) open() error {
	s, err := x.column.Open(x.c)
	if err == nil {
		x.session = s
	}
	return err
}

// reopen goes on in a new session after an execution was thrown out: what became
// of the old one is unknown.
func (x *execution) reopen() error {
	err := x.session.Close()
	x.session = nil
	if err != nil {
		return err
	}
	if err := x.open(); err != nil {
		return err
	}
	done := x.done
	x.done = nil
	for _, s := range done {
		if err := s.carry(x); err != nil {
			return fmt.Errorf("%v again: %w", s, err)
		}
	}
	return nil
}

func (s Put) carry(x *execution) error {
	x.done = append(x.done, s)
	return x.session.Put(s.Map, s.Key, s.Prog)
}

func (s Delete) carry(x *execution) error {
	x.done = append(x.done, s)
	err := x.session.Delete(s.Map, s.Key)
	if absent := errors.Is(err, ErrNoKey); absent != s.Absent {
		return &difference{"delete's answer", fmt.Sprint("empty: ", s.Absent),
			fmt.Sprint("empty: ", absent)}
	} else if absent {
		return nil
	}
	return err
}

func (s Set) carry(x *execution) error {
	x.done = append(x.done, s)
	return x.session.SetVariable(s.Var, s.Value)
}

func (s Run) carry(x *execution) error {
	for _, v := range x.c.Count {
		if err := x.session.SetVariable(v, 0); err != nil {
			return err
		}
	}
	r0, err := x.session.Run(cmp.Or(s.Prog, x.c.Entry()), s.Input)
	seen, broken := errors.AsType[*Violation](err)
	endless := errors.Is(err, ErrEndless)
	if err != nil && !broken && !endless {
		return err
	}
	o := outcome{r0: r0, endless: endless}
	if broken {
		o.breaks, o.detail = seen.Property, seen.Detail
	}
	if o.tails, err = x.c.Tails(x.session.Variable); err != nil {
		return err
	}
	if err := x.judge(&s, &o); err != nil {
		return err
	}
	if broken || endless {
		return x.reopen()
	}
	return nil
}

type outcome struct {
	r0             uint32
	tails          int
	endless        bool
	breaks, detail string // a property that was found broken
}

// judge names the property that an outcome breaks, and compares the outcome with what the
// column's era gives.
func (x *execution) judge(s *Run, o *outcome) error {
	era := x.column.Era
	ruled, want := s.want(era.rules()), s.want(era)
	switch {
	case o.breaks != "":
	case o.tails > Limit:
		o.breaks = TailLimit
	case !o.endless && o.tails < ruled.Tails:
		o.breaks = NoMiss
	}
	if o.breaks != "" && !slices.Contains(x.violated, o.breaks) {
		x.violated = append(x.violated, o.breaks)
	}
	err := x.compare(want, o)
	if err != nil && want.Chance {
		err = x.compare(ruled, o)
	}
	return err
}

// compare gives the first thing that is not as expected, as a difference.
func (x *execution) compare(want Want, o *outcome) error {
	switch {
	case o.endless != want.Endless:
		return differ("the end", ends(want.Endless),
			fmt.Sprintf("%s, after %d tail calls", ends(o.endless), o.tails))
	case o.breaks != want.Breaks:
		got := property(o.breaks)
		switch {
		case o.detail != "":
			got += ": " + o.detail
		case o.breaks == TailLimit || o.breaks == NoMiss:
			got += fmt.Sprintf(": %d tail calls", o.tails)
		}
		return differ("what is violated", property(want.Breaks), got)
	case want.Endless:
		return nil
	case o.r0 != want.R0:
		return differ("the result", fmt.Sprintf("%#x", want.R0), fmt.Sprintf("%#x", o.r0))
	case len(x.c.Count) > 0 && o.tails != want.Tails:
		return differ("the number of tail calls", fmt.Sprint(want.Tails), fmt.Sprint(o.tails))
	}
	for _, name := range slices.Sorted(maps.Keys(want.Vars)) {
		v, err := x.session.Variable(name)
		if err != nil {
			return err
		}
		if v != want.Vars[name] {
			return differ("variable "+name, fmt.Sprint(want.Vars[name]), fmt.Sprint(v))
		}
	}
	for _, e := range want.Elems {
		v, err := x.session.Element(e.Map, e.Key)
		if err != nil && !errors.Is(err, ErrNoKey) {
			return err
		}
		if !bytes.Equal(v, e.Value) {
			return differ(fmt.Sprintf("%s[% x]", e.Map, e.Key), element(e.Value), element(v))
		}
	}
	return nil
}

func differ(what, want, got string) error { return &difference{what, want, got} }

func ends(endless bool) string {
	if endless {
		return "none"
	}
	return "reached"
}

func property(p string) string { return cmp.Or(p, "nothing") }

func element(v []byte) string {
	if v == nil {
		return "absent"
	}
	return fmt.Sprintf("% x", v)
}
