package vm

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tailpoke/internal/vm/guest"
)

// fakeQEMU puts a program in QEMU's place that answers --version and then does what the script says.
// The script writes the console to 3, frames to 4 and operations to 5, as a guest does.
func fakeQEMU(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	text := "#!/bin/sh\n[ \"$1\" = --version ] && { echo QEMU emulator version 9.9.9; exit; }\n" + frames + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, qemuName), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// frames are the shell's words for frames of up to 255 bytes.
const frames = `
frame() { printf "$1\\$(printf %03o ${#2})\\000\\000\\000%s" "$2" >&4; }
say() { echo "[    1.000000] $1" >&3; }
ready() { frame r 6.1.0; }
spin() { while :; do :; done; }
`

// quick are bounds for guests that answer at once or never.
var quick = limits{silence: 400 * time.Millisecond, dead: 20 * time.Second, boot: 400 * time.Millisecond, lastWords: 300 * time.Millisecond, grace: 10 * time.Second}

// runFake runs a guest of a fake QEMU, and returns what its verb wrote.
func runFake(t *testing.T, script string, edit func(*Options)) (res *Result, out string, err error) {
	t.Helper()
	fakeQEMU(t, script)
	var said bytes.Buffer
	o := Options{
		Kernel: fileOf(t, "bzImage", bzImage("6.1.0 fake")), Args: []string{"run"}, Dir: t.TempDir(),
		Stdout: &said, Stderr: &said, Timeout: 30 * time.Second, limits: quick,
		Write:  func(guest.File) error { return errors.New("the guest wrote no file") },
		Signal: func() int { return int(unix.SIGINT) },
	}
	if edit != nil {
		edit(&o)
	}
	res, err = Run(t.Context(), o)
	return res, said.String(), err
}

// TestRun takes guests through every way in which they can end.
func TestRun(t *testing.T) {
	multi := func(o *Options) { o.QEMU = []string{"-accel", "tcg,thread=multi"} }
	for name, c := range map[string]struct {
		script string
		edit   func(*Options)
		code   int
		out    string
		kind   string // of the fault
		line   string // of it, or of the error
		err    error
	}{
		"a verb that ends":         {script: "say booting; ready; frame o hello; frame e ' and more'; frame x 3; spin", code: 3, out: "hello and more"},
		"a crash":                  {script: "ready; printf i.r >&5; say 'kernel BUG at arraymap.c:994!'; say 'Kernel panic - not syncing'", kind: "crash", line: "kernel BUG at arraymap.c:994!"},
		"a crash, and no end":      {script: "ready; say 'Oops: 0000'; while :; do frame b ''; sleep 0.1; done", kind: "crash", line: "Oops: 0000"},
		"a fault, and then an end": {script: "ready; say 'INFO: task init:97 blocked for more than 60 seconds.'; frame x 0; spin", kind: "hang", line: "INFO: task init:97"},
		"a reset, and a warning":   {script: "ready; echo 'qemu: warning: no such feature' >&2; exit 0", kind: "reset", line: "without a word"},
		"QEMU that is killed":      {script: "ready; kill -9 $$", line: "QEMU ended: signal: killed: without a word"},
		"a reset":                  {script: "ready", kind: "reset", line: "the machine restarted without a word"},
		"silence":                  {script: "ready; spin", kind: "hang", line: "no sign of life"},
		"no first process":         {script: "say 'Linux version 6.1'; spin", err: ErrNoBoot, line: "Linux version 6.1"},
		"a panic at boot":          {script: "say 'Kernel panic - not syncing: VFS'", err: ErrNoBoot, line: "it says last: Kernel panic - not syncing: VFS"},
		"no machine":               {script: "echo 'qemu: no such CPU model' >&2; exit 1", line: "QEMU runs no such machine: qemu: no such CPU model"},
		"QEMU that dies":           {script: "ready; echo 'qemu: out of memory' >&2; exit 1", line: "QEMU ended: exit status 1: qemu: out of memory"},
		"a first process's end":    {script: "ready; frame f 'mount proc: no'; spin", line: "the guest's first process: mount proc: no"},
		"time over": {script: "ready; while :; do frame b ''; sleep 0.1; done", edit: func(o *Options) { o.Timeout = time.Second },
			err: ErrTime, line: "--timeout 1s"},
		"a ghost of QEMU's": {script: "ready; say 'Oops: int3: 0000 [#1]'", edit: multi, kind: "crash", line: "Oops: int3: 0000 [#1]"},
		"a jump of QEMU's":  {script: "ready; say 'Oops: 0000 [#1]'", edit: multi, kind: "crash", line: "Oops: 0000 [#1]"},
	} {
		t.Run(name, func(t *testing.T) {
			res, out, err := runFake(t, c.script, c.edit)
			if c.kind == "" && c.line != "" {
				if err == nil || c.err != nil && !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.line) {
					t.Fatalf("got %+v, %v", res, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.kind == "" {
				if res.Fault != nil || res.Code != c.code || out != c.out || res.Guest.Release != "6.1.0" {
					t.Errorf("got %+v, %q", res, out)
				}
				return
			}
			f := res.Fault
			if f == nil || f.Kind != c.kind || !strings.Contains(f.Line, c.line) {
				t.Fatalf("got %+v", f)
			}
			if (f.Emulator != "") != (c.edit != nil) {
				t.Errorf("laid at the emulator's door: %v", f.Emulator)
			}
			if name == "a crash" && (f.During != "remove" || f.After != 2 || len(f.Log) != 2) {
				t.Errorf("during %q after %d: %q", f.During, f.After, f.Log)
			}
		})
	}
}

// TestWrote: a file that the verb wrote comes back.
func TestWrote(t *testing.T) {
	var got guest.File
	const script = `ready; frame w '{"name":"/w","data":"aGVsbG8="}'; frame x 0; spin`
	take := func(f guest.File) error { got = f; return nil }
	if _, _, err := runFake(t, script, func(o *Options) { o.Write = take }); err == nil || got.Name != "" {
		t.Errorf("a file that the verb does not name: %v, %+v", err, got)
	}
	res, _, err := runFake(t, script, func(o *Options) { o.Write, o.Args = take, []string{"run", "--witness", "/w"} })
	if err != nil || res.Code != 0 || got.Name != "/w" || string(got.Data) != "hello" {
		t.Errorf("%+v, %+v, %v", res, got, err)
	}
}

// TestSignal: when the context ends, the verb gets the signal, and has time to end.
func TestSignal(t *testing.T) {
	fakeQEMU(t, `ready; frame o go; number=$(dd bs=1 count=1 <&4 2>/dev/null | od -An -tu1); frame o "signal $((number))"; frame x 130; spin`)
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	res, err := Run(ctx, Options{
		Kernel: fileOf(t, "bzImage", bzImage("6.1.0")), Dir: t.TempDir(), limits: quick, Stderr: &out,
		Stdout: writer(func(b []byte) (int, error) { cancel(); return out.Write(b) }),
		Signal: func() int { return int(unix.SIGINT) },
	})
	if err != nil || res.Code != 130 || out.String() != "gosignal 2" {
		t.Errorf("%+v, %q, %v", res, out.String(), err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// TestMissing: without QEMU the error names the package.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Run(t.Context(), Options{Kernel: fileOf(t, "bzImage", bzImage("6.1.0"))})
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), qemuPackage) {
		t.Errorf("%v", err)
	}
}

// parent marks a process of this test that runs a guest until it is killed: its value is the image.
const parent = "TAILPOKE_TEST_PARENT"

// TestMain is also that process.
func TestMain(m *testing.M) {
	if image := os.Getenv(parent); image != "" {
		_, err := Run(context.Background(), Options{Kernel: image, Dir: "/", Stdout: os.Stdout, Stderr: os.Stderr})
		println(err.Error())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestKilled: when the command is killed, QEMU ends too.
func TestKilled(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	fakeQEMU(t, "echo $$ >"+pidFile+".part; mv "+pidFile+".part "+pidFile+"; ready; exec sleep 60")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), parent+"="+fileOf(t, "bzImage", bzImage("6.1.0")))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	await(t, "QEMU begins", func() bool {
		text, err := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	await(t, "QEMU ends", func() bool { return unix.Kill(pid, 0) == unix.ESRCH || zombie(pid) })
}

// zombie reports whether a process has ended and its new parent has not looked.
func zombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(text), ") Z ")
}

// await waits for something for as long as a busy machine may need.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long: %s", what)
		}
	}
}

// TestStarved: a stall is the kernel's only where QEMU had the time to run it.
func TestStarved(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		had  []ran
		want bool
	}{
		"no look yet":        {nil, false},
		"a young guest":      {[]ran{{now, 0}, {now.Add(10 * time.Second), 0}}, false},
		"a busy machine":     {[]ran{{now, 5}, {now.Add(time.Minute), 30}}, true},
		"a guest that spins": {[]ran{{now, 5}, {now.Add(time.Minute), 64}}, false},
	} {
		if got := (&watching{had: c.had}).starved(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
