package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A batch is a test binary with the faults that could be given gates.
type batch struct {
	dir, bin string
	gates    map[string]int // by the fault's id
}

func (b *batch) remove() { os.RemoveAll(b.dir) }

// batch builds the tests of a package with a gate for each of the faults that can have one. Where
// the whole does not compile, it has none.
func (r *runner) batch(ctx context.Context, pkg string, verdicts []verdict, group []int) (*batch, error) {
	dir, err := os.MkdirTemp(r.dir, "batch")
	if err != nil {
		return nil, err
	}
	var all []gated
	for _, i := range group {
		f := verdicts[i].fault
		if r.gates && !overlaps(f, all) {
			if g, ok := r.tree.gate(f, len(all)+1); ok {
				all = append(all, g)
			}
		}
	}
	b := &batch{dir: dir, gates: map[string]int{}}
	for _, g := range all {
		b.gates[g.id()] = g.gate
	}
	var out string
	if b.bin, out, err = r.build(ctx, dir, pkg, r.tree.gatedFiles(all)); err == nil {
		return b, nil
	}
	fmt.Fprintf(r.progress, "mutate: one by one for the tests of %s, for together they do not compile: %s\n", pkg, out)
	b.gates = nil
	if b.bin, out, err = r.build(ctx, dir, pkg, nil); err != nil {
		return nil, fmt.Errorf("tests of %s: %w\n%s", pkg, err, out)
	}
	return b, nil
}

// gatedFiles are the files that have gates, and those that open them.
func (t *tree) gatedFiles(all []gated) map[string][]byte {
	byFile := map[string][]gated{}
	for _, g := range all {
		byFile[g.file] = append(byFile[g.file], g)
	}
	files := map[string][]byte{}
	for name, own := range byFile {
		p := t.packages[packageOf(own[0].fault)]
		files[name] = withGates(p.src[name], own)
		files[p.path+"/"+gateFile] = gateSource(p.name)
	}
	return files
}

// build makes the test binary of a package, with some files of the module replaced. It returns
// what the go command printed where that fails.
func (r *runner) build(ctx context.Context, dir, pkg string, files map[string][]byte) (bin, out string, err error) {
	replace := map[string]string{}
	for name, src := range files {
		file, err := os.CreateTemp(dir, "*.go")
		if err != nil {
			return "", "", err
		}
		replace[filepath.Join(r.tree.root, filepath.FromSlash(name))] = file.Name()
		if _, err := file.Write(src); err != nil {
			return "", "", err
		}
		if err := file.Close(); err != nil {
			return "", "", err
		}
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		return "", "", err
	}
	bin = filepath.Join(dir, "tests")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", overlay, "-o", bin, "./"+pkg)
	cmd.Dir = r.tree.root
	printed, err := cmd.CombinedOutput()
	return bin, string(printed), err
}
