package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed start/*.txt
var start embed.FS

// objects are the object files of the repository.
var objects = []string{
	"stress/bpf/*.o", "stress/internal/regress/bpf/*.o", "stress/internal/workload/testdata/*.o",
}

// material is what inputs start from: files that are right, by name.
type material struct {
	files                                  map[string][]byte
	protocols, methods, witnesses, objects []string // their names
}

// gather makes the material, with the command where it knows best.
func gather(ctx context.Context, root, stress string) (*material, error) {
	m := &material{files: map[string][]byte{}}
	for _, name := range []string{"trace.txt", "calls.txt", "program.txt"} {
		data, err := start.ReadFile("start/" + name)
		if err != nil {
			return nil, err
		}
		m.files[name] = data
	}
	for _, pattern := range objects {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			if entries[filepath.Base(name)] == nil {
				return nil, fmt.Errorf("%s: entries names no program of it", name)
			}
			if m.files[filepath.Base(name)] == nil {
				m.files[filepath.Base(name)] = data
				m.objects = append(m.objects, filepath.Base(name))
			}
		}
	}
	if err := m.lists(ctx, stress); err != nil {
		return nil, err
	}
	return m, m.keepWitnesses(ctx, stress)
}

// lists adds the protocols and methods that the command knows.
func (m *material) lists(ctx context.Context, stress string) error {
	for _, of := range []struct {
		list, file string
		names      *[]string
	}{{"protocols", "p", &m.protocols}, {"methods", "m", &m.methods}} {
		out, err := exec.CommandContext(ctx, stress, "list", of.list, "--json").Output()
		if err != nil {
			return fmt.Errorf("list %s: %w", of.list, err)
		}
		var d struct {
			Kinds []struct{ Items []struct{ Text string } }
		}
		if err := json.Unmarshal(out, &d); err != nil {
			return err
		}
		for _, item := range d.Kinds[0].Items {
			name := fmt.Sprintf("%s%s.txt", of.file, strings.Repeat("x", len(*of.names)))
			m.files[name] = []byte(item.Text + "\n")
			*of.names = append(*of.names, name)
		}
	}
	return nil
}

// keepWitnesses adds witnesses, of both engines that keep any.
func (m *material) keepWitnesses(ctx context.Context, stress string) error {
	dir, err := os.MkdirTemp("", "abuse")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	object := "tailcalls.o" // a witness has the name, which is to be the same each time
	if err := os.WriteFile(filepath.Join(dir, object), m.files[object], 0o666); err != nil {
		return err
	}
	for _, w := range []struct{ name, args string }{
		{"machine.json", "--engine machine --sites 1 --grace sleep"},
		{"model.json", "--engine model --sites 1 --grace sleep"},
		{"forget.json", "--engine model --sites 2 --keys 2 --grace forget-one"},
		{"object.json", "--engine machine --object " + object + " --entry dispatch --grace sleep"},
	} {
		args := append(strings.Fields("run --quiet --seed 1 --expect violated --witness"), w.name)
		cmd := exec.CommandContext(ctx, stress, append(args, strings.Fields(w.args)...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
		data, err := os.ReadFile(filepath.Join(dir, w.name))
		if err != nil {
			return err
		}
		m.files[w.name] = data
		m.witnesses = append(m.witnesses, w.name)
	}
	return nil
}
