package identity

import (
	"context"

	"tailpoke/stress/report"
)

// An Object is a file whose programs are compared.
type Object struct {
	Name string
	Read func() ([]Sample, error) // when it is its turn: a tree of them would not fit
}

// CheckObjects is [Check] of many objects: the report has a row for each. An object that cannot be
// read is a row that says why. told is told after each object how many are done, or after each program
// if there is one object.
func CheckObjects(ctx context.Context, objects []Object, told func(done, all int)) (*Report, error) {
	k, err := DetectCompiler()
	if err != nil {
		return nil, err
	}
	if len(objects) == 1 {
		k.told = told
	}
	sum := &Report{Seen: map[string]int{}}
	sum.Differences = []report.ProgramNotes{}
	for i, o := range objects {
		if ctx.Err() != nil {
			break
		}
		if told != nil && len(objects) > 1 {
			told(i, len(objects))
		}
		samples, err := o.Read()
		if err != nil {
			sum.Objects = append(sum.Objects, report.ObjectIdentity{Name: o.Name, Refused: err.Error()})
			continue
		}
		rep, err := k.Check(ctx, samples)
		if err != nil {
			return nil, err
		}
		prefix := ""
		if len(objects) > 1 {
			prefix = o.Name + ": "
		}
		sum.add(o.Name, prefix, rep)
	}
	sum.Opcodes = len(sum.Seen)
	return sum, nil
}

// add adds what was found of one object.
func (rep *Report) add(name, prefix string, of *Report) {
	rep.Objects = append(rep.Objects, report.ObjectIdentity{
		Name: name, Programs: of.Programs, Identical: of.Identical, Recovered: of.Recovered,
		Rejected: len(of.Rejected), Unsupported: len(of.Unsupported),
	})
	rep.Programs, rep.Identical, rep.Recovered = rep.Programs+of.Programs, rep.Identical+of.Identical, rep.Recovered+of.Recovered
	for op, n := range of.Seen {
		rep.Seen[op] += n
	}
	named := func(to *[]report.ProgramNotes, from []report.ProgramNotes) {
		for _, n := range from {
			n.Name = prefix + n.Name
			*to = append(*to, n)
		}
	}
	named(&rep.Differences, of.Differences)
	named(&rep.Rejected, of.Rejected)
	named(&rep.Unsupported, of.Unsupported)
}
