package matrix

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"tailpoke/stress/report"
)

// A Cell is one verb on one kernel.
type Cell struct {
	Kernel, Verb int // in the plan
	// Key is all that its answer depends on: another key is another cell.
	Key string
}

// Options say how cells are carried out.
type Options struct {
	State string // directory that answers are kept in, or ""
	Jobs  int    // at once
	// Run carries one cell out. Its error ends the matrix.
	Run func(context.Context, Cell) (report.MatrixCell, error)
	// Told is called after each cell, by one goroutine at a time.
	Told func(done, all int, c Cell, answer report.MatrixCell)
}

// Run carries cells out, those apart of which the answer is kept. If ctx ends, it has the answers of
// those that were done, and of the others empty ones.
func Run(ctx context.Context, cells []Cell, o Options) ([]report.MatrixCell, error) {
	r := &runner{o: o, answers: make([]report.MatrixCell, len(cells)), all: len(cells)}
	if o.State != "" {
		if err := os.MkdirAll(o.State, 0o755); err != nil {
			return nil, err
		}
	}
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	next := make(chan int)
	var workers sync.WaitGroup
	for range max(1, o.Jobs) {
		workers.Go(func() {
			for i := range next {
				r.cell(ctx, cells[i], &r.answers[i])
			}
		})
	}
	for i := range cells {
		next <- i // a worker takes it, and does nothing once ctx has ended
	}
	close(next)
	workers.Wait()
	return r.answers, r.err
}

// runner is a matrix that is carried out.
type runner struct {
	o       Options
	all     int
	cancel  context.CancelFunc
	answers []report.MatrixCell

	mu   sync.Mutex
	done int
	err  error
}

// cell carries one cell out, or reads its answer.
func (r *runner) cell(ctx context.Context, c Cell, to *report.MatrixCell) {
	if ctx.Err() != nil {
		return
	}
	answer, err := r.kept(c)
	if err == nil && answer == nil {
		var fresh report.MatrixCell
		fresh, err = r.o.Run(ctx, c)
		if ctx.Err() != nil { // it was ended on the way: that is no answer, and no error
			return
		}
		if err == nil {
			answer, err = &fresh, r.keep(c, &fresh)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = errors.Join(r.err, err)
		r.cancel()
		return
	}
	if answer == nil { // ended on the way
		return
	}
	*to = *answer
	r.done++
	if r.o.Told != nil {
		r.o.Told(r.done, r.all, c, *answer)
	}
}

// file is where a cell's answer is kept.
func (r *runner) file(c Cell) string {
	return filepath.Join(r.o.State, fmt.Sprintf("%x.json", sha256.Sum256([]byte(c.Key)))[:16+len(".json")])
}

// kept reads an answer, or returns nil where there is none.
func (r *runner) kept(c Cell) (*report.MatrixCell, error) {
	if r.o.State == "" {
		return nil, nil
	}
	text, err := os.ReadFile(r.file(c))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	k := new(keptCell)
	if json.Unmarshal(text, k) != nil || k.Key != c.Key || cmp.Or(k.Schema, schema) != schema { // of another matrix, or half written
		return nil, nil
	}
	return &k.Answer, nil
}

// schema names what a file of an answer is. Before there were names it was the same.
const schema = "stress/matrix-cell/1"

// keptCell is an answer in its file.
type keptCell struct {
	Schema string            `json:"schema"`
	Key    string            `json:"key"` // all that the answer depends on
	Answer report.MatrixCell `json:"answer"`
}

// keep writes an answer, whole or not at all.
func (r *runner) keep(c Cell, a *report.MatrixCell) error {
	if r.o.State == "" {
		return nil
	}
	text, err := json.MarshalIndent(keptCell{schema, c.Key, *a}, "", "\t")
	if err != nil {
		return err
	}
	name := r.file(c)
	if err := os.WriteFile(name+".part", text, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}
