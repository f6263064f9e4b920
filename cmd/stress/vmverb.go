package main

import (
	"slices"
)

// guestVerb is a verb's command line as a guest is given it.
type guestVerb struct {
	args   []string
	seed   string // that it has, or "" where chance is not involved
	format format // that it answers in
	quiet  bool   // it prints no more than that
	steers bool   // it runs on this machine, and steers the guest's kernel
}

// verbOf reads a verb's command line, so that what is wrong with it costs no boot. It adds a seed where
// chance is involved and none is given, since a guest that dies cannot tell it, a format, and the
// file of a page.
func verbOf(args []string, drawn seed, form format, page string) (*guestVerb, error) {
	verb, rest, err := newRoot().Find(args)
	if err != nil {
		return nil, usage(err)
	}
	if verb.Name() == "vm" || verb.HasParent() && verb.Parent().Name() == "vm" {
		return nil, usagef("vm: a guest has no guests")
	}
	if err := verb.ParseFlags(rest); err != nil {
		return nil, flagError(verb, err)
	}
	if err := verb.ValidateArgs(verb.Flags().Args()); err != nil {
		return nil, usage(err)
	}
	v := &guestVerb{args: slices.Clone(args), format: form}
	f := verb.Flags()
	if v.steers, err = steers(f); err != nil {
		return nil, err
	}
	if q := f.Lookup("quiet"); q != nil {
		v.quiet = q.Value.String() == "true"
	}
	if s := f.Lookup("seed"); s != nil {
		if v.seed = s.Value.String(); !s.Changed {
			v.seed = drawn.String()
			v.args = append(v.args, "--seed", v.seed)
		}
	}
	if own := f.Lookup("html"); own != nil && !own.Changed && page != "" {
		v.args = append(v.args, "--html", page)
	}
	switch own, object := f.Lookup("format"), f.Lookup("json"); {
	case own == nil:
	case object.Changed:
		err = v.format.Set("json")
	case own.Changed:
		err = v.format.Set(own.Value.String())
	default:
		v.args = append(v.args, "--format", form.String())
	}
	return v, err
}
