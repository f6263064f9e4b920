package vm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFaultOf: what kernels from 5.10 to 7.3 say when they go wrong, and what they say otherwise.
func TestFaultOf(t *testing.T) {
	for line, want := range map[string]string{
		"kernel BUG at kernel/bpf/arraymap.c:994!":                                     "crash",
		"BUG: unable to handle page fault for address: ffffffffc02fb947":               "crash",
		"BUG: kernel NULL pointer dereference, address: 0000000000000000":              "crash",
		"invalid opcode: 0000 [#1] SMP NOPTI":                                          "crash",
		"Oops: int3: 0000 [#1] PREEMPT SMP NOPTI":                                      "crash",
		"int3: 0000 [#1] SMP NOPTI":                                                    "crash",
		"general protection fault, probably for non-canonical address 0xdead: 0000":    "crash",
		"Oops: general protection fault, probably for non-canonical address":           "crash",
		"watchdog: BUG: soft lockup - CPU#1 stuck for 67s! [init:97]":                  "stall",
		"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:":                        "stall",
		"rcu: INFO: rcu_sched self-detected stall on CPU":                              "stall",
		"INFO: task init:97 blocked for more than 60 seconds.":                         "hang",
		"Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block":    "panic",
		"Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org)":                "",
		"x86/bugs: Spectre V2 : Mitigation: Retpolines":                                "",
		"WARNING: CPU: 0 PID: 1 at kernel/bpf/core.c:100 bpf_prog_free+0x1/0x2":        "",
		"Debug: sleeping function":                                                     "",
		"rcu: Hierarchical RCU implementation.":                                        "",
		"sched_clock: Marking stable (1, 2)->(3, -4)":                                  "",
		"clocksource: timekeeping watchdog on CPU0: hpet wd-wd read-back delay of 9us": "",
	} {
		if got := faultOf(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// TestConsole: however its bytes arrive, a console has the same fault and the same lines.
func TestConsole(t *testing.T) {
	said := "\x1bcSeaBIOS\r\n\x1b[2J[    0.000000] Linux version 5.10\r\n[   12.5] ------------[ cut here ]------------\r\n" +
		"[   12.371306][  T98] kernel BUG at kernel/bpf/arraymap.c:994!\r\n[   12.4] invalid opcode: 0000\x07\r\n[   12.5] Kernel panic - not syncing"
	rapid.Check(t, func(t *rapid.T) {
		c := &console{}
		for rest := said; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "bytes")
			if _, err := c.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		kind, line, log, since := c.fault()
		if kind != "crash" || line != "kernel BUG at kernel/bpf/arraymap.c:994!" || since.IsZero() {
			t.Fatalf("%q %q", kind, line)
		}
		if want := []string{"[   12.371306][  T98] kernel BUG at kernel/bpf/arraymap.c:994!", "[   12.4] invalid opcode: 0000"}; !slices.Equal(log, want) {
			t.Fatalf("the log is %q", log)
		}
		want := []string{"SeaBIOS", "[    0.000000] Linux version 5.10", "[   12.5] ------------[ cut here ]------------", "[   12.5] Kernel panic - not syncing"}
		if tail := c.tail(); !slices.Equal(tail, append(want, log...)) {
			t.Fatalf("the tail is %q", tail)
		}
	})
}

// TestConsoleBounds: a kernel that says much is kept in part, and its lines are short.
func TestConsoleBounds(t *testing.T) {
	c := &console{}
	write := func(line string) {
		if _, err := c.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		write(fmt.Sprint("before ", i))
	}
	write("Kernel panic - not syncing: " + strings.Repeat("é", lineLength))
	for i := range 1000 {
		write(fmt.Sprint("after ", i))
	}
	_, line, log, _ := c.fault()
	if len(c.last) != lastLines || c.last[lastLines-1] != "before 999" || len(log) != faultLines || len(line) > lineLength || !strings.HasSuffix(line, "é") {
		t.Errorf("%d lines before, %d from the fault on, %d bytes", len(c.last), len(log), len(line))
	}
}
