package matrix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"tailpoke/stress/report"
)

// cellsOf are so many cells.
func cellsOf(n int) (all []Cell) {
	for i := range n {
		all = append(all, Cell{Kernel: i, Key: fmt.Sprint("key ", i)})
	}
	return all
}

func answer(c Cell) report.MatrixCell {
	return report.MatrixCell{Verdict: report.Holds, Summary: c.Key, Document: []byte(`{"a":1}`)}
}

// TestGoesOn: a matrix that was ended in the middle is carried out to its end by the next run, and no
// cell twice; a file that is half written, or of another key, is no answer.
func TestGoesOn(t *testing.T) {
	state, cells := t.TempDir(), cellsOf(10)
	ctx, cancel := context.WithCancel(t.Context())
	var ran atomic.Int32
	o := Options{State: state, Jobs: 1, Run: func(ctx context.Context, c Cell) (report.MatrixCell, error) {
		if ran.Add(1) == 4 {
			cancel() // what is on its way is not an answer, and no error
			return report.MatrixCell{}, ctx.Err()
		}
		return answer(c), nil
	}}
	first, err := Run(ctx, cells, o)
	if err != nil || ran.Load() != 4 || first[2].Summary != "key 2" || first[3].Summary != "" || first[9].Summary != "" {
		t.Fatalf("%v, %d ran: %+v", err, ran.Load(), first)
	}
	r := &runner{o: o}
	if err := os.WriteFile(r.file(cells[1]), []byte(`{"key":"ke`), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, text := range map[int]string{
		0: `{"key":"key 0","answer":{"verdict":"holds","summary":"key 0","code":0}}`, // as it was without a schema
		2: `{"schema":"stress/matrix-cell/2","key":"key 2","answer":{"verdict":"holds","code":0}}`,
	} {
		if err := os.WriteFile(r.file(cells[i]), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	told := 0
	o.Jobs, o.Told = 3, func(done, all int, _ Cell, _ report.MatrixCell) { told++ }
	second, err := Run(t.Context(), cells, o)
	if err != nil || ran.Load() != 4+9 || told != 10 {
		t.Fatalf("%v, %d ran, %d told", err, ran.Load(), told)
	}
	for i, a := range second {
		if a.Summary != cells[i].Key {
			t.Errorf("cell %d: %+v", i, a)
		}
	}
	cells[5].Key = "another"
	third, err := Run(t.Context(), cells, o)
	if err != nil || ran.Load() != 14 || third[5].Summary != "another" {
		t.Errorf("%v, %d ran, %+v", err, ran.Load(), third[5])
	}
}

// TestRunFails: an error ends the matrix, and a directory that cannot be one is an error.
func TestRunFails(t *testing.T) {
	bad := errors.New("bad")
	var ran atomic.Int32
	_, err := Run(t.Context(), cellsOf(100), Options{Jobs: 2, Run: func(context.Context, Cell) (report.MatrixCell, error) {
		ran.Add(1)
		return report.MatrixCell{}, bad
	}})
	if !errors.Is(err, bad) || ran.Load() > 2 {
		t.Errorf("%v after %d", err, ran.Load())
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), nil, Options{State: file}); err == nil {
		t.Error("a file is a directory")
	}
}
