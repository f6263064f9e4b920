package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailpoke/internal/schema"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

func head() Head {
	return Head{
		Schema: Schema, Subject: &report.Subject{Protocol: "kernel"}, Seed: "0x2a", Job: json.RawMessage(`{"a":1}`),
		Engines: []protocol.Engine{protocol.Model, protocol.CPU}, Again: "stress soak --seed 0x2a",
	}
}

func agree(*Head) error { return nil }

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir, head, agree)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// counts are those of a round with so many cycles.
func counts(cycles uint64) *report.CPUCounts {
	return &report.CPUCounts{
		Executions: 1000 * cycles, Cycles: cycles, Installs: cycles, Removes: cycles,
		Durations: map[string]report.Histogram{"remove": {0, cycles}}, Near: &report.Near{Pokes: cycles},
	}
}

func tick(round int, cycles uint64) Tick {
	return Tick{Round: round, At: int64(1000 + cycles), Seconds: float64(cycles), Trials: cycles, Counts: counts(cycles)}
}

// whole are the records of two rounds: the first ends, the second one is killed.
func whole() []Record {
	end := Finished{Tick: tick(1, 50), How: report.Done, Verdict: &report.Verdict{Engine: protocol.CPU, Verdict: protocol.NotObserved}}
	end.Verdict.CPUCounts = end.Counts
	seen := func(round, count int) *Seen {
		return &Seen{round, report.Finding{Engine: protocol.CPU, Kind: report.OfHang, Key: "k", Count: count, First: "then"}}
	}
	return []Record{
		{Run: &Run{Began: "2026-11-28T08:00:00Z"}},
		{Verdict: &report.Verdict{Engine: protocol.Model, Verdict: protocol.Proved}},
		{Round: &Round{Round: 1, Engine: protocol.CPU, Seed: "0x1", Seconds: 60}},
		{Tick: new(tick(1, 20))}, {Finding: seen(1, 2)}, {Finding: seen(1, 5)},
		{Finished: &end},
		{Round: &Round{Round: 2, Engine: protocol.CPU, Seed: "0x2", Seconds: 60}},
		{Tick: new(tick(2, 10))}, {Finding: seen(2, 1)},
	}
}

// TestSum: counts of rounds add up, those of a round do not; what was killed has its last tick.
func TestSum(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	if err := f.Append(whole()...); err != nil {
		t.Fatal(err)
	}
	f.Close()
	read, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Sum{"written": &f.Sum, "read": read} {
		d := s.Document()
		v := d.Of(protocol.CPU)
		if v.Cycles != 60 || v.Seconds != 60 || v.RateMax != report.RateMax(60, 0.95) || v.Durations["remove"][1] != 60 || v.Near.Pokes != 60 {
			t.Errorf("%s: %+v", name, v)
		}
		if v.Verdict != protocol.NotObserved || d.Verdict != report.Holds || d.Of(protocol.Model).Verdict != protocol.Proved {
			t.Errorf("%s: %v, %v", name, v.Verdict, d.Verdict)
		}
		if len(d.Findings) != 1 || d.Findings[0].Count != 6 {
			t.Errorf("%s: %+v", name, d.Findings)
		}
		e := d.Sections[0].(*report.Soak).Engines[0]
		if e.Rounds != 2 || e.Ends[report.Done] != 1 || e.Ends[report.Killed] != 1 || len(e.Series) != 3 || e.Series[2].Cycles != 60 {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestEveryPrefix: wherever a journal ends, it is opened; sums never go back as it grows; and what
// is opened can be written on.
func TestEveryPrefix(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	if err := f.Append(whole()...); err != nil {
		t.Fatal(err)
	}
	f.Close()
	text, err := os.ReadFile(filepath.Join(dir, journalName))
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(text, '\n') + 1
	last := uint64(0)
	for n := first; n <= len(text); n += 41 {
		part := t.TempDir()
		if err := os.WriteFile(filepath.Join(part, journalName), append(text[:n:n], 0, 0), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := Open(part, head, agree)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		now := f.Progress(protocol.CPU).Cycles
		if now < last {
			t.Fatalf("%d bytes: %d cycles after %d", n, now, last)
		}
		last = now
		if err := f.Append(Record{Run: &Run{Began: "later"}}); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if s, err := Read(part); err != nil || s.Runs[len(s.Runs)-1].Began != "later" {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if last != 60 {
		t.Errorf("%d cycles at the end", last)
	}
}

// TestEdited: a bad line with good ones after it is no crash's: nothing is cut. Nor are two
// journals in one file one journal.
func TestEdited(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	if err := f.Append(whole()...); err != nil {
		t.Fatal(err)
	}
	f.Close()
	path := filepath.Join(dir, journalName)
	text, _ := os.ReadFile(path)
	bad := bytes.Replace(text, []byte(`{"verdict"`), []byte(`{"verdict`), 1)
	if err := os.WriteFile(path, bad, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, head, agree); err == nil || !strings.HasPrefix(err.Error(), path+":3: ") {
		t.Error(err)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, bad) {
		t.Error("the file was changed")
	}
	if err := os.WriteFile(path, append(text, text...), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, head, agree); err == nil || !strings.Contains(err.Error(), "a second head") {
		t.Error(err)
	}
}

// TestTakenAway: what is said is on the disk, so a soak does not go on into a file without a name.
func TestTakenAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "st")
	f := open(t, dir)
	for _, put := range []func() error{
		func() error { return os.RemoveAll(dir) },
		func() error {
			return errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, journalName), nil, 0o644))
		},
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if err := f.Append(whole()...); err == nil || !strings.HasPrefix(err.Error(), filepath.Join(dir, journalName)+": ") {
			t.Error(err)
		}
	}
}

// TestRefusals: another process's folder, another soak's, another version's, and what is no folder.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	var busy *BusyError
	if _, err := Open(dir, head, agree); !errors.As(err, &busy) || busy.Process != fmt.Sprint(os.Getpid()) {
		t.Errorf("a second soak: %v", err)
	}
	no := errors.New("no")
	other := t.TempDir()
	open(t, other).Close()
	if _, err := Open(other, head, func(*Head) error { return no }); !errors.Is(err, no) {
		t.Error(err)
	}
	newer := t.TempDir()
	if err := os.WriteFile(filepath.Join(newer, journalName), []byte(`{"head":{"schema":"stress/soak-state/9"}}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(newer, head, agree); err == nil || !strings.Contains(err.Error(), "a newer one made this") {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, head, agree); err == nil {
		t.Error("a file is a folder")
	}
}

// TestOlder: a journal of version 1 is read, as it was written, whatever has come since.
func TestOlder(t *testing.T) {
	s, err := Read(filepath.Join("testdata", "version1"))
	if err != nil {
		t.Fatal(err)
	}
	d := s.Document()
	if v := d.Of(protocol.CPU); v.Cycles != 60 || len(d.Findings) != 1 || d.Findings[0].Count != 6 || d.Seed != "0x2a" {
		t.Errorf("%+v, %+v", v, d.Findings)
	}
}

// TestVacuous: rounds that overlapped nothing bound nothing, and a violation outweighs all.
func TestVacuous(t *testing.T) {
	s := &Sum{Head: new(head())}
	empty := tick(1, 50)
	empty.Trials = 0
	s.Add(Record{Run: &Run{}})
	s.Add(Record{Round: &Round{Round: 1, Engine: protocol.CPU}})
	s.Add(Record{Tick: &empty})
	if v := s.Document().Of(protocol.CPU); v.Verdict != protocol.Vacuous || v.RateMax != 1 {
		t.Errorf("%+v", v)
	}
	s.Add(Record{Finding: &Seen{1, report.Finding{Engine: protocol.CPU, Kind: report.OfProperty, Property: protocol.NeverA, Key: "a", Count: 1}}})
	if d := s.Document(); d.Verdict != report.Violated || d.Of(protocol.CPU).Property != protocol.NeverA {
		t.Errorf("%+v", d.Of(protocol.CPU))
	}
}

// TestSilent: an engine that cannot judge is not asked again in that run. One that was ended before it
// could judge is, and so is everyone in the next run.
func TestSilent(t *testing.T) {
	s := &Sum{Head: new(head())}
	round := 0
	after := func(how report.End, v *report.Verdict) bool {
		round++
		s.Add(Record{Round: &Round{Round: round, Engine: protocol.CPU}})
		s.Add(Record{Finished: &Finished{Tick: tick(round, 1), How: how, Verdict: v}})
		return s.Silent(protocol.CPU)
	}
	s.Add(Record{Run: &Run{}})
	judged := &report.Verdict{Verdict: protocol.NotObserved, CPUCounts: counts(1), Properties: []protocol.Property{protocol.NeverA}}
	if after(report.Done, judged) {
		t.Error("after a round that judged")
	}
	if after(report.Stopped, &report.Verdict{Verdict: protocol.Bounded}) || after(report.Failed, nil) {
		t.Error("after rounds that were ended before they judged")
	}
	if v := s.Document().Of(protocol.CPU); len(v.Properties) != 1 || v.Reason != "3 of at least 30 cycles that bound the rate" {
		t.Errorf("%+v", v)
	}
	if !after(report.Done, &report.Verdict{Verdict: protocol.Unsupported}) || s.Silent(protocol.Kernel) {
		t.Error("not after a round that cannot judge, or another engine is")
	}
	s.Add(Record{Run: &Run{}})
	if s.Silent(protocol.CPU) {
		t.Error("in the next run")
	}
}

// TestThinned: a long series stays within its bound, in order, with its last sample.
func TestThinned(t *testing.T) {
	s := &Sum{Head: new(head())}
	s.Add(Record{Run: &Run{}})
	s.Add(Record{Round: &Round{Round: 1, Engine: protocol.CPU}})
	const ticks = 10_000
	for n := range uint64(ticks) {
		s.Add(Record{Tick: new(tick(1, n))})
	}
	all := s.Document().Sections[0].(*report.Soak).Engines[0].Series
	if len(all) >= maxSamples || len(all) < maxSamples/4 || all[len(all)-1].Cycles != ticks-1 {
		t.Errorf("%d samples, the last one of %d cycles", len(all), all[len(all)-1].Cycles)
	}
	for i := 1; i < len(all); i++ {
		if all[i].Cycles <= all[i-1].Cycles {
			t.Fatalf("sample %d goes back", i)
		}
	}
}

var update = flag.Bool("update", false, "write the schema into docs/schemas")

// TestSchema: the file in docs/schemas says what a line of a journal is, and the lines of the journal
// that is kept here are that.
func TestSchema(t *testing.T) {
	d := schema.Document{Name: Schema, Title: "a line of a soak's journal: one of these records", Parts: []any{Record{}}}
	if err := schema.Hold(d, *update); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(filepath.Join("testdata", "version1", "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if err := schema.CheckAs(Schema, []byte(line)); err != nil {
			t.Errorf("%.60s: %v", line, err)
		}
	}
	if schema.CheckAs(Schema, []byte(`{"tick":{"round":"1"}}`)) == nil {
		t.Error("the schema takes a line that is wrong")
	}
}
