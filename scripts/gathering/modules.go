package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// A module is one of modules.txt, at a fixed version.
type module struct {
	path, version, sum string
	files              []string // patterns of path.Match
}

func (m module) String() string { return m.path + "@" + m.version }

//go:embed modules.txt
var modulesText string

// parseModules reads the form of modules.txt.
func parseModules(text string) ([]module, error) {
	var out []module
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch fields := strings.Fields(line); {
		case len(fields) == 0 || line[0] == '#':
		case line[0] == '\t' && len(fields) == 1 && len(out) > 0:
			last := &out[len(out)-1]
			last.files = append(last.files, fields[0])
		case line[0] != '\t' && len(fields) == 3:
			out = append(out, module{path: fields[0], version: fields[1], sum: fields[2]})
		default:
			return nil, fmt.Errorf("modules.txt, line %d: want a module, its version and its checksum, or a file of it", n)
		}
	}
	return out, nil
}

// fetch has the module's files in the cache, and lists them.
func (m module) fetch(ctx context.Context, cache string) ([]string, error) {
	to := filepath.Join(cache, filepath.FromSlash(m.String()))
	if _, err := os.Stat(to); err != nil {
		if err := m.download(ctx, to); err != nil {
			return nil, fmt.Errorf("%v: %w", m, err)
		}
	}
	var files []string
	err := filepath.WalkDir(to, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, name)
		}
		return err
	})
	return files, err
}

// download copies the module's files to a folder, which is there once all of them are.
func (m module) download(ctx context.Context, to string) error {
	outside, err := os.MkdirTemp("", "gathering") // of any module, whose go.sum would change
	if err != nil {
		return err
	}
	defer os.RemoveAll(outside)
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.String())
	cmd.Dir = outside
	out, failed := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("go mod download: %w", failed)
	}
	if got.Error != "" {
		return fmt.Errorf("go mod download: %s", got.Error)
	}
	if got.Sum != m.sum {
		return fmt.Errorf("its checksum is %s, modules.txt says %s", got.Sum, m.sum)
	}
	part := to + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	for _, pattern := range m.files {
		names, err := fs.Glob(os.DirFS(got.Dir), pattern)
		if err != nil || len(names) == 0 {
			return fmt.Errorf("no file is like %s", pattern)
		}
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join(got.Dir, filepath.FromSlash(name)))
			if err != nil {
				return err
			}
			copied := filepath.Join(part, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(copied, data, 0o644); err != nil {
				return err
			}
		}
	}
	return os.Rename(part, to)
}

// project is what a table calls a module: the end of its path that tells it from others.
func project(object string) string {
	module, _, _ := strings.Cut(object, "@")
	if base := path.Base(module); base != "ebpf" {
		return base
	}
	return path.Base(path.Dir(module)) + "/ebpf"
}
