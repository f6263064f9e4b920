package sim

import (
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// TestBoundsOfConfigs has the largest of everything, and one more of each.
func TestBoundsOfConfigs(t *testing.T) {
	few := func(set func(c *Config)) Config {
		c := direct(t, 1, 1, 2)
		c.Script, c.MaxStates = script(t, "put 0 0\n"), 10
		set(&c)
		return c
	}
	for _, set := range []func(c *Config){
		func(c *Config) { c.Subject.Shape.Threads = 8 },
		func(c *Config) { c.keys(6) },
		func(c *Config) { c.Script = script(t, strings.Repeat("delete 0\n", 255)) },
		func(c *Config) { c.MaxOps = 255 },
		func(c *Config) { c.Script = script(t, strings.Repeat("put 0 0\n", 12)); c.Programs = c.Programs[:1] },
		func(c *Config) { c.Forward, c.Entry = true, caller(t, 32, 1) },
		func(c *Config) { c.Entry = caller(t, 33, 1) },
		func(c *Config) { c.Held = []int{-1} },
	} {
		if r := check(t, few(set)); r.Verdict != protocol.Bounded && r.Verdict != protocol.Vacuous && r.Verdict != protocol.Safe {
			t.Errorf("%+v", r)
		}
	}
	for _, tt := range []struct {
		want string
		set  func(c *Config)
	}{
		{"9 threads: want 1 to 8", func(c *Config) { c.Subject.Shape.Threads = 9 }},
		{"7 keys change: at most 6 can", func(c *Config) { c.keys(7) }},
		{"a script of 256 calls, or 3 operations: at most 255", func(c *Config) { c.Script = script(t, strings.Repeat("delete 0\n", 256)) }},
		{"a script of 1 calls, or 256 operations: at most 255", func(c *Config) { c.MaxOps = 256 }},
		{"a script of 1 calls, or -1 operations: at most 255", func(c *Config) { c.MaxOps = -1 }},
		{"bounds below zero", func(c *Config) { c.MaxStates = -1 }},
		{"bounds below zero", func(c *Config) { c.Workers = -1 }},
		{"66 slots: forward fetches know at most 64", func(c *Config) { c.Forward, c.Entry = true, caller(t, 33, 1) }},
		{"actions of 32 steps are too many", func(c *Config) { c.Subject.Method.Steps = slices.Repeat(c.Subject.Method.Steps, 32)[:32] }},
		{"2 keys hold something of 1", func(c *Config) { c.Held = []int{0, 0} }},
		{"key 0 holds program -2: there are 2", func(c *Config) { c.Held = []int{-2} }},
		{"key 1 of jmp_table: it has 1 keys", func(c *Config) { c.Keys[0].Index = 1 }},
		{"key -1 of jmp_table: it has 1 keys", func(c *Config) { c.Keys[0].Index = -1 }},
		{"key 0 of other: it has 0 keys", func(c *Config) { c.Keys[0].Map = "other" }},
		{"(delete 1): there are 1 keys and 2 programs", func(c *Config) { c.Script = script(t, "delete 1\n") }},
	} {
		if _, err := Check(t.Context(), few(tt.set)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
	// A longer script is none that is wrong: this engine has no room for it.
	r := check(t, few(func(c *Config) { c.Script = script(t, strings.Repeat("put 0 0\n", 13)) }))
	if r.Verdict != protocol.Unsupported || !strings.HasPrefix(r.Reason, "14 images, copies included: at most 13") {
		t.Errorf("%+v", r)
	}
}

// keys makes as many keys change.
func (c *Config) keys(n int) {
	c.Maps, c.Keys = map[string]int{table: n}, nil
	for i := range n {
		c.Keys = append(c.Keys, protocol.Key{Map: table, Index: i})
	}
}

// TestNothingHappened: a check in which what is judged never occurred is vacuous, and says what.
func TestNothingHappened(t *testing.T) {
	c := direct(t, 1, 1, 2)
	c.Entry, c.Outcomes = parse(t, "entry", leafEnd...), nil
	c.Script = script(t, whole)
	if r := check(t, c); r.Verdict != protocol.Vacuous || r.Reason != "no thread took a tail call" {
		t.Errorf("%+v", r)
	}
	c = direct(t, 1, 1, 2)
	c.Held = []int{0}
	c.Script = protocol.Script{}
	if r := check(t, c); r.Verdict != protocol.Safe || r.Ends != 0 || r.Overlaps != 0 || r.Bound != "1 thread, a script of 0 calls" {
		t.Errorf("nothing is called: %+v", r)
	}
}
