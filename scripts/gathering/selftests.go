package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

// What the kernel's own tail-call tests are compiled by: the clang of that name if the machine has it,
// for each of these instruction sets.
var compilers = []struct {
	clang string
	cpus  []string
}{
	{"clang-14", []string{"v1", "v2", "v3"}},
	{newestClang(), []string{"v1", "v2", "v3", "v4"}},
}

// newestClang is the newest clang with a number in its name here, or the one without.
func newestClang() string {
	newest, name := 0, "clang"
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		found, _ := filepath.Glob(filepath.Join(dir, "clang-*"))
		for _, path := range found {
			var n int
			base := filepath.Base(path)
			if _, err := fmt.Sscanf(base, "clang-%d", &n); err == nil && n > newest && base == fmt.Sprint("clang-", n) {
				newest, name = n, base
			}
		}
	}
	return name
}

// selftests compiles the kernel's tail-call tests in the cache, out of a package of Debian's with the
// kernel's source, and lists those whose code is not another one's. What does not compile is said.
func selftests(ctx context.Context, cache, source string) ([]*object, error) {
	root := filepath.Join(cache, "selftests@"+source)
	tests := filepath.Join(root, "source", "tools", "testing", "selftests", "bpf")
	if _, err := os.Stat(tests); err != nil {
		if err := unpack(ctx, root, source); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(tests, "progs", "*tailcall*.c"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s: no test of tail calls", tests))
	}
	if err := kernelTypes(ctx, root); err != nil {
		fmt.Fprintln(os.Stderr, "objects: no vmlinux.h:", err)
	}
	var out []*object
	codes, compiled := map[[sha256.Size]byte]*object{}, 0
	for _, file := range files {
		for _, c := range compilers {
			for _, cpu := range c.cpus {
				name := strings.TrimSuffix(filepath.Base(file), ".c") + ".o"
				built := filepath.Join(root, c.clang+"-"+cpu, name)
				if err := compile(ctx, c.clang, cpu, root, tests, file, built); err != nil {
					fmt.Fprintf(os.Stderr, "objects: %s -mcpu=%s: %v\n", c.clang, cpu, err)
					continue
				}
				compiled++
				ob := readObject(fmt.Sprintf("selftests@%s/%s-%s/%s", source, c.clang, cpu, name), built)
				code, err := codeOf(built)
				if err == nil && codes[code] != nil {
					codes[code].same = append(codes[code].same, c.clang+"-"+cpu)
					continue
				}
				codes[code] = ob
				out = append(out, ob)
			}
		}
	}
	fmt.Fprintf(os.Stderr, "objects: %d compiled of %d tests, %d with code of their own\n", compiled, len(files), len(out))
	return out, nil
}

// unpack has the tests of a package in root/source. apt checks what it downloads.
func unpack(ctx context.Context, root, source string) error {
	dir, err := os.MkdirTemp("", "gathering")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	part := filepath.Join(root, "source.part")
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return err
	}
	const script = `apt-get -q download "$1" && dpkg-deb --fsys-tarfile "$1"_*.deb | tar -xO "./usr/src/$1.tar.xz" |
		tar -xJ -C "$2" --strip-components=1 --wildcards '*/tools/testing/selftests/bpf/progs/*tailcall*.c' \
		'*/tools/testing/selftests/bpf/progs/*.h' '*/tools/testing/selftests/bpf/*.h'`
	cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", script, "-", source, part)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return os.Rename(part, filepath.Join(root, "source"))
}

// kernelTypes writes the types of the running kernel as a header, which some tests include.
func kernelTypes(ctx context.Context, root string) error {
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		bpftool = "/usr/sbin/bpftool"
	}
	out, err := exec.CommandContext(ctx, bpftool, "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c").Output()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "vmlinux.h"), out, 0o644)
}

// compile compiles a test, as the kernel's own Makefile does.
func compile(ctx context.Context, clang, cpu, root, tests, file, built string) error {
	if _, err := os.Stat(built); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(built), 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, clang, "-g", "-O2", "-target", "bpf", "-mcpu="+cpu, "-Wno-compare-distinct-pointer-types",
		"-I"+tests, "-I"+root, "-idirafter", "/usr/include/x86_64-linux-gnu", "-c", file, "-o", built)
	out, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(string(out), "\n")
		i := max(0, slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "error: ") }))
		return fmt.Errorf("%s: %w: %s", filepath.Base(file), err, lines[i])
	}
	return nil
}

// codeOf is a sum of an object's instructions, and of its maps.
func codeOf(file string) (sum [sha256.Size]byte, err error) {
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return sum, err
	}
	all := &bytes.Buffer{}
	for _, name := range sortedKeys(spec.Programs) {
		p := spec.Programs[name]
		fmt.Fprintln(all, filepath.Base(file), name, p.Type, p.SectionName)
		for i := range p.Instructions {
			ins := &p.Instructions[i]
			fmt.Fprintln(all, ins.OpCode, ins.Dst, ins.Src, ins.Offset, ins.Constant, ins.Symbol(), ins.Reference())
		}
	}
	for _, name := range sortedKeys(spec.Maps) {
		m := spec.Maps[name]
		fmt.Fprintln(all, name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, len(m.Contents))
	}
	return sha256.Sum256(all.Bytes()), nil
}
