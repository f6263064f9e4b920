package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tailpoke/internal/bundle"
	"tailpoke/internal/state"
	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

// How long the engines that give the same answer in every run are asked about a subject, and the
// machine engine about one script.
const (
	askTime    = 30 * time.Second
	scriptTime = 3 * time.Second
)

// A maker makes bundles of findings in one subject. What does not depend on the finding it finds out
// once.
type maker struct {
	o     *Options
	scrub *bundle.Scrubber

	known    bool
	workload *stress.Workload // the same, without what its object file says of the machine
	job      json.RawMessage
	verdicts []report.Verdict // of model and machine, with their witnesses
	witness  []byte
	images   map[string][]byte
}

// learn finds out what all bundles have.
func (m *maker) learn(ctx context.Context) error {
	if m.known {
		return nil
	}
	m.scrub = bundle.Here()
	layout := m.o.Subject.Layout
	var listing string
	var err error
	if m.workload, listing, err = Clean(m.o.Workload, layout, m.scrub); err != nil {
		return err
	}
	if _, m.job, err = (stress.Options{}).Text(m.o.Subject, m.workload); err != nil {
		return err
	}
	binaries, err := m.workload.Binaries(layout)
	if err != nil {
		return err
	}
	m.images = map[string][]byte{bundle.Images + "listing.txt": []byte(listing + "\n")}
	for name, code := range binaries {
		m.images[bundle.Images+strings.ReplaceAll(name, "/", "_")+".bin"] = code
	}
	var kept bytes.Buffer
	d, err := stress.Run(ctx, m.o.Subject, m.workload, stress.Options{
		Engines: []protocol.Engine{protocol.Model, protocol.Machine}, Budget: askTime, MaxMemory: m.o.MaxMemory, Witness: &kept,
	})
	if err != nil {
		return err
	}
	m.verdicts, m.witness, m.known = d.Verdicts, kept.Bytes(), true
	return nil
}

// Clean is the same workload without what its object file says of the machine, and the listing of its
// images, which are the same too.
func Clean(w *stress.Workload, layout string, scrub *bundle.Scrubber) (clean *stress.Workload, listing string, err error) {
	if listing, err = w.Disassemble(layout); err != nil {
		return nil, "", err
	}
	from := w.Source
	if from.Object == nil {
		return w, listing, nil
	}
	clean, err = stress.ReadObject(filepath.Base(from.Name), scrub.Object(from.Object), from.Entry)
	if err != nil {
		return nil, "", err
	}
	if now, err := clean.Disassemble(layout); err != nil || now != listing {
		return nil, "", fmt.Errorf("%s compiles to something else without its folders' names", from.Name)
	}
	return clean, listing, nil
}

// bundleOf makes the bundle of a finding that was seen in a round. log is what was written about it.
func (m *maker) bundleOf(ctx context.Context, f report.Finding, r *state.RoundSum, run state.Run, subject *report.Subject, log string) (*bundle.Bundle, error) {
	if err := m.learn(ctx); err != nil {
		return nil, err
	}
	b := &bundle.Bundle{
		Schema: bundle.Schema, Finding: f, Subject: subject, Job: m.job, Again: f.Again,
		Tool: run.Tool, Machine: run.Machine, Guest: run.Guest,
		Files: map[string][]byte{bundle.Witness: m.witness, bundle.Log: []byte(log)},
	}
	if r != nil {
		b.Seed, b.Seconds = r.Seed, r.Last.Seconds
	}
	for name, content := range m.images {
		b.Files[name] = content
	}
	for _, v := range m.verdicts {
		v.Witness = nil
		b.Verdicts = append(b.Verdicts, v)
	}
	if f.Script != "" {
		script, err := protocol.ParseScript(f.Script)
		if err != nil {
			return nil, err
		}
		head, err := m.head(b.Seed)
		if err != nil {
			return nil, err
		}
		b.Files[bundle.Script] = []byte(head + f.Script)
		small := m.shrink(ctx, script, f.Property)
		if small == nil {
			small = script
		} else {
			b.Files[bundle.Shrunk] = []byte(head + small.String())
		}
		b.Files[bundle.Trace] = m.trace(ctx, small)
	}
	b.Finding.Script = ""
	m.scrub.Apply(b)
	return b, nil
}

// head is the first line of a bundle's scripts, with the seed of the round, if there is one.
func (m *maker) head(seed string) (string, error) {
	o := stress.Options{Seed: m.o.Seed}
	if n, err := strconv.ParseUint(seed, 0, 64); err == nil {
		o.Seed = n
	}
	return o.Head(m.o.Subject, m.workload)
}

// trace is what the cpu engine's patcher does with a script, in a process of its own.
func (m *maker) trace(ctx context.Context, script protocol.Script) []byte {
	var text bytes.Buffer
	o := stress.Options{Script: script, Trace: &text, NoBoost: m.o.NoBoost, Engines: []protocol.Engine{protocol.CPU}}
	if _, err := o.Round(ctx, m.o.Subject, m.workload, protocol.CPU, DefaultSilence, func(report.Beat) error { return nil }); err != nil {
		return nil // a bundle is worth more without it than nothing
	}
	return text.Bytes()
}

// bundles makes the bundles of all findings that have none: those of this round, those of a soak that
// ended before it could, and those whose files are gone.
func (s *soak) bundles(ctx context.Context, log string) {
	if s.State == nil {
		return
	}
	for _, f := range slices.Clone(s.sum.Findings) {
		if f.Bundle != "" {
			if _, err := os.Stat(filepath.Join(s.State.Dir, state.Bundles, f.Bundle)); !errors.Is(err, fs.ErrNotExist) {
				continue
			}
		}
		if ctx.Err() != nil {
			continue
		}
		r := s.sum.RoundOf(f.Key)
		b, err := s.maker.bundleOf(ctx, f, r, s.Run, s.Head.Subject, log)
		if err != nil {
			s.note(fmt.Sprintf("no bundle of %s: %v", f.Key, err))
			continue
		}
		name := fmt.Sprintf("%s-%s.zip", nameOf(&f), f.Key[:8])
		text, err := b.Bytes()
		if err == nil {
			err = state.WriteWhole(filepath.Join(s.State.Dir, state.Bundles, name), text)
		}
		if err != nil {
			s.err = err
			return
		}
		f.Bundle = name
		round := 0
		if r != nil {
			round = r.Round.Round
		}
		f.Count = s.sum.CountOf(round, f.Key)
		if !s.write(state.Record{Finding: &state.Seen{Round: round, Finding: f}}) {
			return
		}
	}
}

// nameOf says in a word what a finding is of.
func nameOf(f *report.Finding) string {
	if f.Property != "" {
		return string(f.Property)
	}
	return string(f.Kind)
}
