package stresstest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

// folder is where calls and witnesses of a test are kept. Tests run in their package's folder.
func (j *judging) folder() string {
	plain := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}
	return filepath.Join("testdata", "stress", strings.Map(plain, j.Name()))
}

// again has the calls that are kept made again, by the engines that can be given calls. It reports
// whether all of them went well.
func (j *judging) again() bool {
	j.Helper()
	able := slices.DeleteFunc(slices.Clone(j.Engines), func(e stress.Engine) bool {
		return e == protocol.Model // it explores all calls in any case
	})
	files, err := filepath.Glob(filepath.Join(j.folder(), "*.txt"))
	if err != nil || len(able) == 0 {
		return err == nil
	}
	for _, f := range files {
		script, _, err := stress.LoadScript(f, nil)
		if err != nil {
			j.Fatalf("stresstest: %v", err)
		}
		if len(script) == 0 {
			continue // without calls all calls would be explored
		}
		o := stress.Options{Engines: able, Script: script}
		if err := stress.Validate(j.subject, j.workload, o); err != nil {
			j.Fatalf("stresstest: %s does not fit the subject: %v", f, err)
		}
		if d := j.run(o); d.Verdict == report.Violated || d.Verdict == report.Disagree {
			j.Errorf("%skept     %s: these calls fail again; nothing else was tried", text(d), f)
			return false
		}
	}
	return true
}

// keep keeps the witness of a document, which file holds, and its calls. It says in lines what was
// kept, and how to see it again; nothing if no engine has a witness.
func (j *judging) keep(d *report.Document, file []byte) (lines string, err error) {
	v := witnessed(d)
	if v == nil || len(file) == 0 {
		return "", nil
	}
	script := v.Witness.Script()
	sum := sha256.Sum256([]byte(script.String()))
	name := filepath.Join(j.folder(), fmt.Sprintf("%s-%x", v.Property, sum[:4]))
	if err := os.MkdirAll(j.folder(), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(name+".json", file, 0o644); err != nil {
		return "", err
	}
	lines = "kept     step by step: stress replay " + name + ".json\n"
	if len(script) == 0 {
		return lines, nil // no operation is needed
	}
	lines += "         the next run begins with " + name + ".txt\n"
	head, err := stress.Options{Seed: j.Seed}.Head(j.subject, j.workload)
	if err != nil {
		return "", err
	}
	return lines, os.WriteFile(name+".txt", []byte(head+j.about(v)+script.String()), 0o644)
}

// about says in comments what calls are kept for.
func (j *judging) about(v *report.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, found by the %s engine. The protocol was\n#\n", v.Property, v.Engine)
	for line := range strings.Lines(j.subject.Protocol.String()) {
		b.WriteString("#     " + line)
	}
	b.WriteString("#\n")
	return b.String()
}

// witnessed is the verdict whose witness is kept: the last one, as [stress.Options] says.
func witnessed(d *report.Document) *report.Verdict {
	for i := range slices.Backward(d.Verdicts) {
		if d.Verdicts[i].Witness != nil {
			return &d.Verdicts[i]
		}
	}
	return nil
}
