package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/stress"
)

// subjectFlags are the flags that say what is judged.
type subjectFlags struct {
	choice                         stress.Choice
	threads, sites, programs, keys count
	maps, consts                   []string
	file, about                    string // a script or a trace, whose first line says what no flag says
	aboutSeed                      string // in that line, if it has one
}

// protocolFlags adds the flags for how text is changed.
func (s *subjectFlags) protocolFlags(f *pflag.FlagSet) {
	f.StringVar(&s.choice.Protocol, "protocol", "", `protocol: a name of "stress list protocols" or a file, - for standard input (default kernel)`)
	f.StringVar(&s.choice.Method, "method", "", `poke method: a name of "stress list methods" or a file, or - (default int3)`)
	f.StringVar(&s.choice.Grace, "grace", "", `grace-period flavour: a name of "stress list graces" (default epoch)`)
}

// targetFlags adds the flags for what is executed.
func (s *subjectFlags) targetFlags(f *pflag.FlagSet) {
	f.StringVar(&s.choice.Layout, "layout", "", `layout of the image: a name of "stress list layouts", with options, or running (default v5.10)`)
	f.StringVar(&s.choice.Object, "object", "", "object file that clang made; its programs are given to its prog arrays")
	f.StringVar(&s.choice.Entry, "entry", "", "program of --object that the threads execute")
	f.StringVar(&s.choice.Type, "type", "", "type of the programs of --object whose sections name none, as sections name it: tc, xdp, kprobe")
	f.StringSliceVar(&s.maps, "map", nil, "what the loader of --object says of a map: NAME:max_entries=16, NAME:value_size=8, NAME:inner=MAP")
	f.StringSliceVar(&s.consts, "const", nil, "value of a global variable of --object: NAME=NUMBER")
	f.StringVar(&s.choice.Case, "case", "", "programs of a regression case, as stress regression names them")
	f.Var(&s.sites, "sites", "generate a program with so many direct tail-call sites")
	f.Var(&s.programs, "programs", "generate so many programs that a key may be given")
	f.Var(&s.keys, "keys", "generate a prog array with so many keys")
}

func (s *subjectFlags) threadsFlag(f *pflag.FlagSet) {
	f.Var(&s.threads, "threads", "threads that execute the image (default 16; without hardware virtualization, one for each CPU)")
}

// threadsWhere is how many threads execute where nobody says: 0 leaves that to the subject. An
// emulator executes all CPUs on one, and a grace period waits for the turn of every thread.
func threadsWhere(emulated bool) int {
	if emulated {
		return runtime.NumCPU()
	}
	return 0
}

// chosen returns the choice that the flags make.
func (s *subjectFlags) chosen(cmd *cobra.Command) stress.Choice {
	c := s.choice
	c.Stdin, c.Maps, c.Consts = stdin(cmd), strings.Join(s.maps, ","), strings.Join(s.consts, ",")
	c.Threads, c.Sites, c.Programs, c.Keys = int(s.threads), int(s.sites), int(s.programs), int(s.keys)
	return c
}

// settled returns the choice that the flags make, with the layout that "running" stands for. The
// flag has it too: the command that does the same again means the same on other machines.
func (s *subjectFlags) settled(cmd *cobra.Command) (stress.Choice, error) {
	given := s.chosen(cmd)
	c, seed, err := given.With(s.about)
	if err != nil {
		return c, usage(fmt.Errorf("%s:1: %w", s.file, err))
	}
	s.aboutSeed = seed
	if c, err = c.Settle(); err != nil {
		return c, refused(s.placed(cmd, err))
	}
	if given.Layout != "" {
		s.choice.Layout = c.Layout
	}
	return c, nil
}

// placed is an error of the choice, with its place where the flags alone make none of it.
func (s *subjectFlags) placed(cmd *cobra.Command, err error) error {
	if s.about == "" || strings.HasPrefix(err.Error(), s.file+":") {
		return err
	}
	given, own := s.chosen(cmd).Settle()
	if own == nil {
		_, _, own = given.Resolve()
	}
	if own != nil && own.Error() == err.Error() {
		return err
	}
	return fmt.Errorf("%s:1: %w", s.file, err)
}
