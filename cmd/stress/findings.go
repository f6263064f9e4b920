package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tailpoke/internal/bundle"
	"tailpoke/internal/state"
	"tailpoke/stress/report"
)

const findingsLong = `Examples:

  stress findings soak.state
  stress findings soak.state never-a-1f2e3d4c.zip
  stress findings never-a-1f2e3d4c.zip
  stress findings before.state after.state

findings lists what a soak found, in its folder of state: each once, however often it was seen. With the
name or the key of one it shows what its bundle holds, as with the file of a bundle alone; stress replay
takes that file. With two folders it says what the second one has and the first has not, and exits with 1
if there is any.`

func newFindings() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "findings DIR [FINDING | DIR] | BUNDLE", Short: "List, show and compare what soaks found", Long: findingsLong, Args: takes(1, 2),
	}
	cmd.RunE = o.answer(func(cmd *cobra.Command, args []string) (*report.Document, error) {
		if len(args) == 1 && isFile(args[0]) {
			return ofBundle(args[0])
		}
		first, err := state.Read(args[0])
		if err != nil {
			return nil, usage(err)
		}
		switch {
		case len(args) == 1:
			return report.New(&report.Findings{Found: first.Findings}), nil
		case isFolder(args[1]):
			second, err := state.Read(args[1])
			if err != nil {
				return nil, usage(err)
			}
			return report.New(compared(first.Findings, second.Findings)), nil
		}
		return shown(args[0], args[1], first)
	})
	o.flags(cmd.Flags())
	return cmd
}

func isFolder(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

func isFile(name string) bool {
	st, err := os.Stat(name)
	return err == nil && !st.IsDir()
}

// compared is what two soaks have found: only the first, only the second, and both.
func compared(a, b []report.Finding) *report.Findings {
	in := func(all []report.Finding) func(report.Finding) bool {
		return func(f report.Finding) bool {
			return slices.ContainsFunc(all, func(o report.Finding) bool { return o.Key == f.Key })
		}
	}
	out := &report.Findings{Compared: true}
	for _, f := range b {
		if in(a)(f) {
			out.Found = append(out.Found, f)
		} else {
			out.New = append(out.New, f)
		}
	}
	out.Gone = slices.DeleteFunc(slices.Clone(a), in(b))
	return out
}

// findingNames lists findings as they can be named.
func findingNames(all []report.Finding) string {
	var names []string
	for _, f := range all {
		names = append(names, cmp.Or(f.Bundle, f.Key))
	}
	return cmp.Or(strings.Join(names, " "), "none")
}

// shown is one finding with what its bundle has as text.
func shown(dir, name string, s *state.Sum) (*report.Document, error) {
	found := slices.DeleteFunc(slices.Clone(s.Findings), func(f report.Finding) bool {
		bundle := filepath.Base(name)
		return f.Bundle != bundle && f.Bundle != bundle+".zip" && !strings.HasPrefix(f.Key, name)
	})
	switch len(found) {
	case 1:
	case 0:
		return nil, usagef("%s: neither a folder nor a finding of %s; there are: %s", name, dir, findingNames(s.Findings))
	default:
		return nil, usagef("%s: %q may be any of: %s", dir, name, findingNames(found))
	}
	d := report.New(&report.Findings{Found: found})
	if found[0].Bundle == "" {
		return d, nil
	}
	of, err := ofBundle(filepath.Join(dir, state.Bundles, found[0].Bundle))
	if err != nil {
		return nil, err
	}
	d.Bundled, d.Subject = of.Bundled, of.Subject
	d.Sections = append(d.Sections, of.Sections[1])
	return d, nil
}

// ofBundle is the finding of a bundle, with what that has as text.
func ofBundle(path string) (*report.Document, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, usage(err)
	}
	if !bundle.Is(file) {
		return nil, usagef("%s: neither a folder of state nor a bundle", path)
	}
	b, err := bundle.Read(file)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", path, err))
	}
	b.Finding.Bundle = filepath.Base(path)
	texts := &report.Listings{Of: "findings"}
	for _, name := range []string{bundle.Shrunk, bundle.Script, bundle.Log, bundle.Images + "listing.txt"} {
		if text := b.Files[name]; len(text) > 0 {
			texts.Listings = append(texts.Listings, report.Listing{Name: name, Text: strings.TrimSpace(string(text))})
		}
	}
	d := report.New(&report.Findings{Found: []report.Finding{b.Finding}})
	d.Bundled, d.Subject = b.Bundled(), b.Subject
	d.Sections = append(d.Sections, texts)
	return d, nil
}
