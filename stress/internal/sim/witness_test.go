package sim

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
)

// guilty are subjects with a witness.
func guilty(t testing.TB) map[string]Config {
	out := map[string]Config{}
	for _, m := range protocol.Zoo() {
		for _, single := range []bool{false, true} {
			c := direct(t, 2, 1, 2)
			c.Script, c.NoMerge = script(t, whole), single
			var err error
			if c.Subject, err = m.Apply(c.Subject); err != nil {
				t.Fatal(err)
			}
			if name := m.Name; m.Property != "" && m.Property != protocol.NoMiss {
				if single {
					name += ", single steps"
				}
				out[name] = c
			}
		}
	}
	free := out["no-grace"]
	free.Script = nil
	out["no-grace, any operation"] = free
	return out
}

// TestWitnessesReplay takes the steps of every witness again, by what JSON keeps of them.
func TestWitnessesReplay(t *testing.T) {
	for name, c := range guilty(t) {
		t.Run(name, func(t *testing.T) {
			r := check(t, c)
			if r.Witness == nil {
				t.Fatalf("%+v", r)
			}
			var choices []Choice
			for _, s := range r.Witness.Steps {
				choices = append(choices, s.Choice)
			}
			kept, err := json.Marshal(choices)
			if err != nil {
				t.Fatal(err)
			}
			choices = nil
			if err := json.Unmarshal(kept, &choices); err != nil {
				t.Fatal(err)
			}
			again, err := Replay(c, choices)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r.Witness, again); diff != "" {
				t.Errorf("found - replayed:\n%s", diff)
			}
			if len(choices) != r.Depth+1 {
				t.Errorf("%d steps, found behind level %d", len(choices), r.Depth)
			}
			for _, s := range r.Witness.Steps {
				if s.Actor != Mutator && (s.At == "" || len(s.Bytes) == 0 || s.Insn == "") && !strings.HasPrefix(s.Text, "leaves") {
					t.Errorf("step without instruction or bytes: %+v", s)
				}
			}
		})
	}
}

func TestReplayRefuses(t *testing.T) {
	c := guilty(t)["no-grace"]
	var choices []Choice
	for _, s := range check(t, c).Witness.Steps {
		choices = append(choices, s.Choice)
	}
	with := func(i int, x Choice) []Choice {
		out := append([]Choice(nil), choices...)
		out[i] = x
		return out
	}
	for _, tc := range []struct {
		name    string
		choices []Choice
		want    string
	}{
		{"nothing", nil, "0 steps break no property"},
		{"less", choices[:10], "10 steps break no property"},
		{"more", append(append([]Choice(nil), choices...), choices[0]), "the step before it broke never-a"},
		{"other bytes", with(5, Choice{Actor: 0, Fetch: "9090909090"}), "step 6, {Actor:0 Call: Fetch:9090909090}: there is no such step"},
		{"other call", with(0, Choice{Actor: Mutator, Call: "put 0 1"}), "step 1"},
		{"no such thread", with(3, Choice{Actor: 7}), "step 4"},
	} {
		_, err := Replay(c, tc.choices)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
		if holds := strings.HasSuffix(tc.want, "break no property"); errors.Is(err, ErrHolds) != holds {
			t.Errorf("%s: %v: is ErrHolds %v, want %v", tc.name, err, !holds, holds)
		}
	}
}

// TestWitnessAsText has the shortest execution that opens the bypass before the target jumps.
func TestWitnessAsText(t *testing.T) {
	c := guilty(t)["install-order"]
	c.Subject.Shape.Threads = 1
	want := `
step  mutator                  thread 0                                   site 0: bypass  target  state
----  -----------------------  -----------------------------------------  --------------  ------  -----
   0                                                                      jmp out         nop     C
   1  put 0 0: publish p0
   2  bypass 0=nop: head=int3                                             int3 10000000*  nop     ?
   3                           enters
   4                           bypass 0 int3: traps
   5                           handler: acts as nop: takes its frame off
   6                           target 0 nop: falls through
violates never-a: passed the open bypass, took its frame off, and meets the cleared target
step  at          bytes           instruction                   executed  registers
----  ----------  --------------  ----------------------------  --------  ---------
   3  entry+0x0   0f 1f 44 00 00  nop dword ptr [rax+rax], eax  20
   4  entry+0x4b  cc              int3                          0
   5  entry+0x4b  0f 1f 44 00 00  nop dword ptr [rax+rax], eax  5         rax=0x100000000 rbx=0xc0ffee00004000 rsp=0x72000000ff70 r13=0xc0ffee0000e000
   6  entry+0x5b  0f 1f 44 00 00  nop dword ptr [rax+rax], eax  0         rax=0x100000000 rcx=0xc0ffee00002000 rbx=0xc0ffee00004000 rbp=0x72000000ff70 rsp=0x72000000ff70 r13=0xc0ffee0000e000 r14=0xc0ffee0000f000 r15=0xc0ffee00010000
`
	if diff := cmp.Diff(want, "\n"+check(t, c).Witness.String()); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
}
