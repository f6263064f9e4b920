package vm

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"tailpoke/internal/vm/guest"
)

// unpacked is an entry of an archive.
type unpacked struct {
	mode, major, minor int
	data               []byte
}

// unpack reads an archive back, as the kernel does: an entry's directory must stand before it.
func unpack(t *testing.T, b []byte) map[string]unpacked {
	t.Helper()
	out := map[string]unpacked{}
	field := func(at, i int) int {
		n, err := strconv.ParseInt(string(b[at+6+8*i:at+14+8*i]), 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	}
	for at := 0; ; {
		if string(b[at:at+6]) != "070701" || at%4 != 0 {
			t.Fatalf("no entry at %d", at)
		}
		size, length := field(at, 6), field(at, 11)
		name := string(b[at+110 : at+110+length-1])
		data := (at + 110 + length + 3) &^ 3
		if name == "TRAILER!!!" {
			return out
		}
		if dir := filepath.Dir(name); dir != "." && out[dir].mode != modeDir {
			t.Errorf("%s stands before its directory", name)
		}
		if _, twice := out[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		out[name] = unpacked{field(at, 1), field(at, 9), field(at, 10), b[data : data+size]}
		at = (data + size + 3) &^ 3
	}
}

// TestInitramfs packs this test's own executable and files, and reads the archive back.
func TestInitramfs(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	object := filepath.Join(dir, "prog.o")
	if err := os.WriteFile(object, []byte("object"), 0o644); err != nil {
		t.Fatal(err)
	}
	job := &guest.Job{Args: []string{"run"}, Dir: dir, Files: []string{object, filepath.Join(dir, "new", "witness"), filepath.Join(dir, "witness"), dir, object}}
	b, err := initramfs(t.Context(), exe, job, []byte("typed"))
	if err != nil {
		t.Fatal(err)
	}
	got := unpack(t, b)
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got["init"].data, program) || got["init"].mode != modeFile {
		t.Error("the first process is not this executable")
	}
	if c := got["dev/console"]; c.mode != modeChar || c.major != 5 || c.minor != 1 {
		t.Errorf("the console is %+v", c)
	}
	if string(got[object[1:]].data) != "object" || got[dir[1:]].mode != modeDir || string(got[stdinPath[1:]].data) != "typed" {
		t.Error("the verb's files are not all there")
	}
	var read guest.Job
	if err := json.Unmarshal(got[guest.JobPath[1:]].data, &read); err != nil || read.Stdin != stdinPath || !slices.Equal(read.Args, job.Args) {
		t.Errorf("the job is %+v, %v", read, err)
	}
	interp, err := interpreter(exe)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := got[interp[min(1, len(interp)):]]; interp != "" && !ok {
		t.Errorf("the interpreter %s is not taken along", interp)
	}
}

// TestTooMuch refuses a file that is too large for a guest's memory.
func TestTooMuch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(maxTaken + 1); err != nil {
		t.Fatal(err)
	}
	if err := newArchive().take(path); err == nil {
		t.Error("it is taken")
	}
}

func TestLibraries(t *testing.T) {
	const list = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n" +
		"\tlibgone.so => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n"
	if got, want := libraries(list), []string{"/lib/x86_64-linux-gnu/libc.so.6"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFilesOf(t *testing.T) {
	got := filesOf("/here", []string{"run", "--object", "prog.o", "--witness=../w", "--json", "-", "-q", "/abs/x", ""})
	want := []string{"/here/run", "/here/prog.o", "/w", "/abs/x"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
