package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
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
			choices := r.Witness.Choices()
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
				t.Errorf("%d steps, found after level %d", len(choices), r.Depth)
			}
			for _, s := range r.Witness.Steps {
				for _, site := range s.Sites {
					sameState(t, &site)
				}
				executes := s.Actor.Kind == witness.Thread
				if executes != (s.Code != nil) || executes && s.Action.Do != witness.Leave && (len(s.Code.Bytes) == 0 || s.Code.Text == "") {
					t.Errorf("step without instruction or bytes: %+v", s)
				}
			}
		})
	}
}

// sameState holds the letters of a site against what its slots hold.
func sameState(t *testing.T, site *witness.SiteView) {
	t.Helper()
	var contents []protocol.Content
	for _, s := range site.Slots {
		if c, whole := s.Content(); whole {
			contents = append(contents, c)
		}
	}
	if site.Gone != (len(site.Slots) == 0) {
		t.Errorf("gone %v, with %d slots", site.Gone, len(site.Slots))
	}
	switch whole := len(contents) == protocol.Slots; {
	case site.Gone || !whole && site.From != 0 && site.To != 0:
	case !whole || site.From != site.To || site.From != protocol.StateOf(contents...):
		t.Errorf("state %q of %+v", site.StateText(), site.Slots)
	}
}

// TestSitesOfFreedTexts: where a text is freed, memory holds no slots any more.
func TestSitesOfFreedTexts(t *testing.T) {
	s := newTestSystem(t)
	x, err := s.initial()
	if err != nil {
		t.Fatal(err)
	}
	if v := s.siteView(x, 0); v.Gone || len(v.Slots) != protocol.Slots {
		t.Errorf("at first: %+v", v)
	}
	for _, n := range s.sites[0].slots { // as free leaves them; the entry itself is never freed
		x[firstSlotWord+n] = 0
	}
	if v := s.siteView(x, 0); !v.Gone || len(v.Slots) != 0 {
		t.Errorf("after it is freed: %+v", v)
	}
}

func TestReplayRefuses(t *testing.T) {
	c := guilty(t)["no-grace"]
	choices := check(t, c).Witness.Choices()
	with := func(i int, change func(*witness.Choice)) []witness.Choice {
		out := slices.Clone(choices)
		change(&out[i])
		return out
	}
	fetch := slices.IndexFunc(choices, func(c witness.Choice) bool { return c.Action.Do == witness.Fetch })
	for _, tc := range []struct {
		name    string
		choices []witness.Choice
		want    string
	}{
		{"nothing", nil, "0 steps break no property"},
		{"less", choices[:10], "10 steps break no property"},
		{"more", append(slices.Clone(choices), choices[0]), "the step before it broke never-a"},
		{"other bytes", with(fetch, func(c *witness.Choice) { c.Action.Text.Head = protocol.HeadTrap }), fmt.Sprintf("step %d, thread ", fetch+1)},
		{"torn bytes", with(fetch, func(c *witness.Choice) { c.Action.Do = witness.Torn }), "there is no such step"},
		{"other slot", with(fetch, func(c *witness.Choice) { c.Action.Slot = 1 - c.Action.Slot }), "there is no such step"},
		{"other call", with(0, func(c *witness.Choice) { c.Call = &protocol.Call{Kind: protocol.Put, Prog: 1} }), "step 1, mutator: there is no such step"},
		{"no call", with(0, func(c *witness.Choice) { c.Call = nil }), "step 1, mutator: there is no such step"},
		{"other action", with(0, func(c *witness.Choice) { c.Action.Do = witness.Wait }), "step 1"},
		{"no such thread", with(3, func(c *witness.Choice) { c.Actor.Index = 7 }), "step 4, "},
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

// TestGoldenWitness has the shortest execution that opens the site before the target jumps.
func TestGoldenWitness(t *testing.T) {
	c := guilty(t)["install-order"]
	c.Subject.Shape.Threads = 1
	want := `
step  mutator                thread 0                       site 0: bypass  target  state
----  ---------------------  -----------------------------  --------------  ------  -----
   0                                                        jump-out        nop     C
   1  put 0 0: publish p0
   2  bypass=nop: head=int3                                 int3-out*       nop     C>A
   3                         enters
   4                         bypass int3: traps
   5                         handler: acts as nop: unwinds
   6                         target nop: falls through
violates never-a: goes through bypass=nop (unwinds), then target=nop (falls through)
step  at                          bytes           instruction                   executed  registers
----  --------------------------  --------------  ----------------------------  --------  ---------
   3  entry+0x0                   0f 1f 44 00 00  nop dword ptr [rax+rax], eax  20
   4  entry+0x4b (site 0 bypass)  cc              int3                          0
   5  entry+0x4b (site 0 bypass)  0f 1f 44 00 00  nop dword ptr [rax+rax], eax  5         rax=0x100000000 rbx=0xc0ffee00004000 rsp=0x72000000ff70 r13=0xc0ffee0000e000
   6  entry+0x5b (site 0 target)  0f 1f 44 00 00  nop dword ptr [rax+rax], eax  0         rax=0x100000000 rcx=0xc0ffee00002000 rbx=0xc0ffee00004000 rbp=0x72000000ff70 rsp=0x72000000ff70 r13=0xc0ffee0000e000 r14=0xc0ffee0000f000 r15=0xc0ffee00010000
`
	if diff := cmp.Diff(want, "\n"+check(t, c).Witness.String()); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
}
