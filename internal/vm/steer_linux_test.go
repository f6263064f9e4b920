package vm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A machine that is steered has a stub at 7 and a monitor at 8. This is what one says, in the shell's words.
const monitorSays = `echo '{"QMP":{}}' >&8; read line <&8; echo '{"return":{}}' >&8; `

// stubSays has the stub say these packets.
func stubSays(texts ...string) (script string) {
	for _, text := range texts {
		sum := 0
		for _, c := range []byte(text) {
			sum += int(c)
		}
		script += fmt.Sprintf("printf '%%s' '$%s#%02x' >&7; ", text, sum%256)
	}
	return script
}

// greet is all that a stub and a monitor say before the machine runs.
var greet = monitorSays + stubSays("vContSupported+", "vCont;c;s", "l", "T05thread:01;")

// TestSteerNonsense: a stub or a guest that goes wrong is an error with its words, and nothing is kept.
func TestSteerNonsense(t *testing.T) {
	for name, c := range map[string]struct{ script, says string }{
		"a stub's nonsense":    {monitorSays + "printf 'HTTP/1.1 400 Bad Request' >&7; spin", "HTTP/1.1 400"},
		"a stub of one thread": {monitorSays + stubSays("x", "") + "spin", "cannot step one thread"},
		"no monitor":           {"exit 1", "QEMU runs no such machine"},
		"a monitor's error":    {"echo '{\"error\":{\"desc\":\"no such command\"}}' >&8; spin", "no such command"},
		"no guest":             {greet + "say 'Kernel panic - not syncing'; spin", "says last: Kernel panic"},
		"a guest that refuses": {greet + "echo 'fault kernel: no' >&4; spin", "not ready to be steered: fault kernel: no"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("XDG_CACHE_HOME", home)
			fakeQEMU(t, "echo 'qemu: no such machine' >&2\n"+c.script)
			_, err := Steer(t.Context(), Options{
				Kernel: fileOf(t, "bzImage", bzImage("6.1.0 fake")), Dir: "/", Timeout: 30 * time.Second, limits: quick,
			})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if all, _ := filepath.Glob(filepath.Join(home, "tailpoke", "guests", "*")); len(all) > 0 {
				t.Errorf("kept: %v", all)
			}
		})
	}
}

// TestLastWords: what a kernel says up to its end is waited for, and no longer than that.
func TestLastWords(t *testing.T) {
	for name, c := range map[string]struct {
		script, last string
		within       time.Duration
	}{
		"it ends":  {"say 'kernel BUG at fs/x.c:1!'; sleep 0.2; say 'the end'; exit 0", "the end", time.Minute},
		"it lives": {"say 'rcu: INFO: rcu_sched self-detected stall'; spin", "rcu: INFO: rcu_sched self-detected stall", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			fakeQEMU(t, greet+c.script)
			o := Options{Kernel: fileOf(t, "bzImage", bzImage("6.1.0 fake")), Dir: "/", limits: quick}.steerable().withDefaults()
			o.steered = true
			m, err := o.steer(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			f := m.LastWords(c.within)
			if f == nil || untimed(f.Log[len(f.Log)-1]) != c.last {
				t.Errorf("got %+v, want the words up to %q", f, c.last)
			}
		})
	}
}

// loads is a machine that says what it begins with.
const loads = `for a; do case $a in exec:*) say "begins with $(sh -c "${a#exec:}")"; esac; done
read line <&8; echo '{"return":{"status":"paused"}}' >&8; exit 0`

// TestAgain: a machine begins anew with what it began with, though nobody finds that any more.
func TestAgain(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	fakeQEMU(t, greet+loads)
	o := Options{Kernel: fileOf(t, "bzImage", bzImage("6.1.0 fake")), Dir: "/", limits: quick}.steerable().withDefaults()
	name := fileOf(t, "kept", []byte("a state"))
	var err error
	if o.saved, err = os.Open(name); err != nil {
		t.Fatal(err)
	}
	o.steered = true
	m, err := o.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if m, err = m.Again(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.LastWords(time.Minute) // it ends by itself
		if got := m.screen.tail(); len(got) != 1 || untimed(got[0]) != "begins with a state" {
			t.Errorf("it says %q", got)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.saved.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("what was kept stays open: %v", err)
	}
}

// TestSavedName: a machine that was kept is found by everything that it depends on, and by nothing else.
func TestSavedName(t *testing.T) {
	kernel := fileOf(t, "bzImage", bzImage("6.1.0 fake"))
	name := func(edit func(*Options)) string {
		o := Options{Kernel: kernel, CPUs: 4}
		if edit != nil {
			edit(&o)
		}
		n, err := o.savedName("QEMU 9", settings{accel: "tcg"})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	seen := map[string]bool{name(nil): true}
	if !seen[name(nil)] {
		t.Error("the same machine has two names")
	}
	other := fileOf(t, "bzImage", bzImage("6.2.0 fake"))
	for what, edit := range map[string]func(*Options){
		"kernel": func(o *Options) { o.Kernel = other }, "CPUs": func(o *Options) { o.CPUs = 5 },
		"command line": func(o *Options) { o.Append = "x" }, "verb": func(o *Options) { o.Args = []string{"x"} }, "memory": func(o *Options) { o.Memory = "3G" },
	} {
		if n := name(edit); seen[n] {
			t.Errorf("another %s has the same name", what)
		} else {
			seen[n] = true
		}
	}
}

// TestForget: a machine takes the place of those of its kernel, and the oldest go where there are too many.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, age int) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-time.Duration(age) * time.Hour)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	put("here-old", 5)
	put("here-new", 0)
	for i := range mostSaved + 2 {
		put("there"+string(rune('a'+i))+"-x", 1+i)
	}
	if err := forget(dir, "here-new"); err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(all) != mostSaved {
		t.Errorf("%d are left, %v: want %d", len(all), err, mostSaved)
	}
	for _, gone := range []string{"here-old", "there" + string(rune('a'+mostSaved+1)) + "-x"} {
		if _, err := os.Stat(filepath.Join(dir, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", gone, err)
		}
	}
}
