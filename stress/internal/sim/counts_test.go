package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
)

var update = flag.Bool("update", false, "write testdata/counts.txt anew")

// TestCounts holds every number of a check against those that are known: what is explored
// depends on nothing but the subject, and a reduction that forgets or adds a state shows here first.
func TestCounts(t *testing.T) {
	var b strings.Builder
	line := func(name string, c Config) {
		r := check(t, c)
		fmt.Fprintf(&b, "%s: %v %v, %d states, depth %d, %d locals, %+v, %s", name, r.Verdict, r.Property, r.States, r.Depth, r.Locals, r.Counts, r.Bound)
		if r.Witness != nil {
			fmt.Fprintf(&b, ", %d steps", len(r.Witness.Steps))
		}
		b.WriteString("\n")
	}
	for _, p := range protocol.Protocols() {
		for _, m := range protocol.Methods() {
			for _, g := range protocol.Graces() {
				c := direct(t, 2, 1, 2)
				c.Subject.Protocol, c.Subject.Method, c.Subject.Grace, c.Script = p, m, g, script(t, whole)
				line(fmt.Sprintf("%s/%s/%s", p.Name, m.Name, g.Name), c)
			}
		}
	}
	for _, set := range []struct {
		name string
		set  func(c *Config)
	}{
		{"one thread", func(c *Config) { c.Subject.Shape.Threads = 1 }},
		{"two sites", func(c *Config) { c.Entry = caller(t, 2, 1) }},
		{"no merge", func(c *Config) { c.NoMerge = true }},
		{"no symmetry", func(c *Config) { c.NoSymmetry = true }},
		{"forward", func(c *Config) { c.Forward = true }},
		{"forward, three threads", func(c *Config) { c.Forward, c.Subject.Shape.Threads = true, 3 }},
		{"any operations", func(c *Config) { c.Script = nil }},
		{"any two operations", func(c *Config) { c.Script, c.MaxOps = nil, 2 }},
		{"held", func(c *Config) { c.Held = []int{1} }},
		{"straddling", func(c *Config) { c.Straddle = true }},
		{"seed", func(c *Config) { c.Layout = &jit.SeedLayout }},
		{"v6.12", func(c *Config) { c.Layout = &jit.V612 }},
		{"indirect", func(c *Config) { c.Entry, c.Ctx, c.Outcomes = indirect(t), make([]byte, 8), nil }},
		{"two keys", func(c *Config) {
			c.Entry, c.Maps = caller(t, 2, 2), map[string]int{table: 2}
			c.Keys = append(c.Keys, protocol.Key{Map: table, Index: 1})
			c.Script = script(t, "put 0 0\nput 1 1\nput 1 0\ndelete 0\ndelete 1\n")
		}},
		{"the entry is given", func(c *Config) {
			c.Programs = append(c.Programs, c.Entry)
			c.Forward, c.Script = true, script(t, "put 0 0\nput 0 2\nput 0 1\n")
			c.Subject.Shape.Threads = 1
		}},
		{"guarded waits", func(c *Config) {
			c.Subject.Protocol = protocolOf(t, "each { bypass=nop; wait; target=jump }; each { bypass=nop }; wait; retire")
		}},
		{"nothing to do", func(c *Config) { c.Subject.Protocol = protocolOf(t, "") }},
	} {
		c := direct(t, 2, 1, 2)
		c.Script = script(t, whole)
		set.set(&c)
		line(set.name, c)
	}
	for _, m := range protocol.Zoo() {
		c := direct(t, 2, 1, 2)
		c.Script = script(t, whole)
		var err error
		if c.Subject, err = m.Apply(c.Subject); err != nil {
			t.Fatal(err)
		}
		line(m.Name, c)
	}
	golden := filepath.Join("testdata", "counts.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("known - found:\n%s", diff)
	}
}

// ownProtocol is the kernel's with another update.
func protocolOf(t *testing.T, update string) protocol.Protocol {
	t.Helper()
	if update != "" {
		update = "publish; " + update
	}
	p, err := protocol.ParseProtocol("protocol own\n install publish; each { target=jump; bypass=nop }\n update " +
		update + "\n remove publish; each { bypass=jump; wait; target=nop }; retire\n")
	if err != nil {
		t.Fatal(err)
	}
	return p
}
