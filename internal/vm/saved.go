package vm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A machine that is ready is kept in a file, so that the next one need not boot: an image of the
// machine's memory, of some hundred megabytes. It belongs to one kernel, one command line, one
// command and one QEMU; a new one of the same kernel takes its place.

// mostSaved is how many machines are kept.
const mostSaved = 12

// savedDir is where they are.
func savedDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "tailpoke", "guests"), nil
}

// pathOf names an open file of this process for others, also one without a name.
func pathOf(f *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()) }

// savedName is the file of a machine: what it is called says all that it depends on. The first part
// says which others it takes the place of.
func (o *Options) savedName(version string, s settings) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	kernel, err := hashOf(o.Kernel)
	if err != nil {
		return "", err
	}
	command, err := hashOf(exe)
	if err != nil {
		return "", err
	}
	how, err := json.Marshal([]any{version, s.accel, s.cpu, s.extra, o.CPUs, o.Memory, o.Append, o.Args})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(how, command...))
	place := sha256.Sum256(append([]byte(o.Append+strings.Join(s.extra, " ")+strings.Join(o.Args, " ")), kernel...))
	return hex.EncodeToString(place[:8]) + "-" + hex.EncodeToString(sum[:12]), nil
}

func hashOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// openSaved opens a kept machine, or returns nil where there is none.
func openSaved(name string) (*os.File, error) {
	dir, err := savedDir()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

// forget removes the machines that one of this name takes the place of, and the oldest of too many.
func forget(dir, name string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	place, _, _ := strings.Cut(name, "-")
	var others []fs.FileInfo
	for _, e := range all {
		info, err := e.Info()
		switch {
		case err != nil || e.Name() == name || !info.Mode().IsRegular(): // it is gone, or none of ours
		case strings.HasPrefix(e.Name(), place+"-"):
			_ = os.Remove(filepath.Join(dir, e.Name())) // or another command has
		default:
			others = append(others, info)
		}
	}
	slices.SortFunc(others, func(a, b fs.FileInfo) int { return cmp.Compare(b.ModTime().UnixNano(), a.ModTime().UnixNano()) })
	for i := mostSaved - 1; i < len(others); i++ {
		_ = os.Remove(filepath.Join(dir, others[i].Name()))
	}
	return nil
}
