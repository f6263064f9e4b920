package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tailpoke/internal/bundle"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/report"
)

// maxBundle bounds a bundle, in bytes.
const maxBundle = 64 << 20

// How long a live engine is given to see a finding again: as long as it took, within these bounds.
const (
	leastAgain = 10 * time.Second
	mostAgain  = 5 * time.Minute
)

// again judges what a bundle without a counterexample is about once more: by the engines that give the
// same answer in every run, and by the one that made the finding, with its seed and its calls.
func again(ctx context.Context, path string, b *bundle.Bundle) (*report.Document, error) {
	if b.Job == nil {
		return nil, fmt.Errorf("%s: it has no subject; what made it was: %s", path, cmp.Or(b.Again, "not noted"))
	}
	seed, err := strconv.ParseUint(b.Seed, 0, 64)
	if err != nil && b.Seed != "" {
		return nil, fmt.Errorf("%s: seed: %q is none", path, b.Seed)
	}
	long := time.Duration(b.Seconds * float64(time.Second))
	o := judge.Options{Seed: seed, Duration: min(max(2*long, leastAgain), mostAgain), StopAtFirst: true}
	if o.Script, err = protocol.ParseScript(string(b.Files[bundle.Script])); err != nil {
		return nil, fmt.Errorf("%s: %s:%w", path, bundle.Script, err)
	}
	asked := []protocol.Engine{protocol.Model, protocol.Machine}
	if e := b.Finding.Engine; judge.ByName(e) != nil && !slices.Contains(asked, e) {
		asked = append(asked, e)
	}
	d := &report.Document{Schema: "stress/verdict/2", Seed: b.Seed, Bundled: b.Bundled()}
	for _, name := range asked {
		j, err := judge.FromParcel(b.Job, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		e := judge.ByName(name)
		if !e.Live() {
			j.Script = nil
		}
		if err := e.Validate(j); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		d.Subject = j.Named()
		a, err := judge.Ask(ctx, e, j)
		if err != nil {
			return nil, &Failure{fmt.Errorf("the %s engine: %w", name, err)}
		}
		d.Verdicts = append(d.Verdicts, a.Verdict)
	}
	d.Conclude()
	return d, nil
}
