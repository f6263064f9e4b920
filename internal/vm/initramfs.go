package vm

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tailpoke/internal/vm/guest"
)

// maxTaken bounds the files that a verb takes along, in bytes: they are in the guest's memory.
const maxTaken = 64 << 20

// stdinPath is where the guest has the verb's standard input.
const stdinPath = "/tailpoke-stdin"

// initramfs makes the guest's files: the executable as the first process with what it is linked to,
// the job, and the files that the job's arguments name.
func initramfs(ctx context.Context, exe string, job *guest.Job, stdin []byte) ([]byte, error) {
	a := newArchive()
	a.device("/dev/console", 5, 1) // the Go runtime wants three open files before it begins
	a.device("/dev/null", 1, 3)
	program, err := os.ReadFile(exe)
	if err != nil {
		return nil, err
	}
	a.file("/init", program)
	if err := a.linked(ctx, exe); err != nil {
		return nil, err
	}
	a.dir(job.Dir)
	for _, name := range job.Files {
		if err := a.take(name); err != nil {
			return nil, err
		}
	}
	if stdin != nil {
		job.Stdin = stdinPath
		a.file(stdinPath, stdin)
	}
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	a.file(guest.JobPath, text)
	return a.bytes(), nil
}

// take adds a file of the host under its own name, or, where there is none, the directory that it may
// be written to.
func (a *archive) take(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if up, err := os.Stat(filepath.Dir(name)); err == nil && up.IsDir() {
			a.dir(filepath.Dir(name))
		}
		return nil
	case err != nil || !info.Mode().IsRegular():
		return nil // the verb says what is wrong with it
	case info.Size() > maxTaken:
		return fmt.Errorf("%s: %d bytes: the guest takes at most %d along", name, info.Size(), maxTaken)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	a.file(name, data)
	return nil
}

// linked adds what a dynamically linked executable needs: its interpreter, and the libraries that
// this finds on this machine, each under the name by which it will be looked for.
func (a *archive) linked(ctx context.Context, exe string) error {
	interp, err := interpreter(exe)
	if interp == "" || err != nil {
		return err
	}
	list, err := exec.CommandContext(ctx, interp, "--list", exe).Output()
	if err != nil {
		return fmt.Errorf("%s: what it is linked to: %s --list: %w", exe, interp, err)
	}
	for _, name := range append(libraries(string(list)), interp) {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("%s is linked to it: %w", exe, err)
		}
		a.file(name, data)
	}
	return nil
}

// interpreter is what loads a dynamically linked executable, or "" of a static one.
func interpreter(exe string) (string, error) {
	f, err := elf.Open(exe)
	if err != nil {
		return "", fmt.Errorf("%s: %w", exe, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		text := make([]byte, p.Filesz)
		if _, err := p.ReadAt(text, 0); err != nil {
			return "", fmt.Errorf("%s: %w", exe, err)
		}
		return string(bytes.TrimRight(text, "\x00")), nil
	}
	return "", nil
}

// libraries reads the paths from the interpreter's list: "libc.so.6 => /lib/libc.so.6 (0x7f..)".
func libraries(list string) (paths []string) {
	for line := range strings.Lines(list) {
		_, found, ok := strings.Cut(line, "=> ")
		if !ok {
			continue
		}
		if name, _, ok := strings.Cut(found, " ("); ok && filepath.IsAbs(name) {
			paths = append(paths, name)
		}
	}
	return paths
}

// filesOf are the files that arguments may name, as absolute paths: every argument that is no flag,
// and the value of every flag that is written with its value.
func filesOf(dir string, args []string) (names []string) {
	for _, arg := range args {
		if flag, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(flag, "-") {
			arg = value
		}
		if arg == "" || strings.HasPrefix(arg, "-") {
			continue
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(dir, arg)
		}
		names = append(names, filepath.Clean(arg))
	}
	return names
}
