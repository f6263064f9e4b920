package regress

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"tailpoke/jit"
)

// TestCasesAreWhole: what steps name exists, and what they expect can be judged.
func TestCasesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases() {
		if seen[c.Name] || c.Name == "" || c.Origin == "" {
			t.Errorf("case %q: its name is another's, or something is not said", c.Name)
		}
		seen[c.Name] = true
		spec, err := c.Collection()
		if err != nil {
			t.Error(err)
			continue
		}
		for _, v := range c.Count {
			if spec.Variables[v] == nil {
				t.Errorf("%s: no variable %q", c.Name, v)
			}
		}
		for i, s := range c.Steps {
			if err := checkStep(&c, spec, s); err != nil {
				t.Errorf("%s: step %d, %v: %v", c.Name, i+1, s, err)
			}
		}
	}
}

// checkStep looks for what a step names.
func checkStep(c *Case, spec *ebpf.CollectionSpec, s Step) error {
	table := func(m string, key uint32) error {
		if ms := spec.Maps[m]; ms == nil || ms.Type != ebpf.ProgramArray || key >= ms.MaxEntries {
			return fmt.Errorf("no key %d of a map %q", key, m)
		}
		return nil
	}
	progs := func(names ...string) error {
		for _, n := range names {
			if !slices.Contains(c.Programs, n) {
				return fmt.Errorf("no program %q", n)
			}
		}
		return nil
	}
	switch s := s.(type) {
	case Put:
		if err := progs(s.Prog); err != nil {
			return err
		}
		return table(s.Map, s.Key)
	case Delete:
		return table(s.Map, s.Key)
	case Set:
		if spec.Variables[s.Var] == nil {
			return fmt.Errorf("no variable %q", s.Var)
		}
	case Poke:
		if err := progs(append(s.Between, s.Load)...); err != nil {
			return err
		}
		return table(s.Map, s.Key)
	case Run:
		if s.Prog != "" {
			if err := progs(s.Prog); err != nil {
				return err
			}
		}
		return checkWants(c, spec, &s)
	}
	return nil
}

func checkWants(c *Case, spec *ebpf.CollectionSpec, r *Run) error {
	if (r.Input.Packet == nil) == (r.Input.Args == nil) {
		return fmt.Errorf("wants either a packet or arguments")
	}
	for _, e := range Eras() {
		w := r.want(e)
		if (w.Endless || w.Tails > 0) && len(c.Count) == 0 {
			return fmt.Errorf("%s: nothing counts the tail calls", e)
		}
		if over := w.Endless || w.Tails > Limit; over != (w.Breaks == TailLimit) {
			return fmt.Errorf("%s: the number of tail calls does not fit what is violated", e)
		}
		for v := range w.Vars {
			if spec.Variables[v] == nil {
				return fmt.Errorf("%s: no variable %q", e, v)
			}
		}
		for _, el := range w.Elems {
			m := spec.Maps[el.Map]
			if m == nil || int(m.KeySize) != len(el.Key) || el.Value != nil && int(m.ValueSize) != len(el.Value) {
				return fmt.Errorf("%s: no such element of map %q", e, el.Map)
			}
		}
	}
	return nil
}

// TestCasesAreAll: none of the kernel's cases is missing.
func TestCasesAreAll(t *testing.T) {
	found := map[string]int{}
	for _, c := range Cases() {
		found[c.Origin]++
	}
	for i := range 6 {
		found[fmt.Sprintf("selftests: tailcall_%d", i+1)]--
		found[fmt.Sprintf("selftests: tailcall_bpf2bpf_%d", i+1)]--
	}
	for i := range 3 {
		found[fmt.Sprintf("selftests: tailcall_bpf2bpf_hierarchy_%d", i+1)]--
	}
	for origin, n := range map[string]int{
		"selftests: tailcall_poke": 1, "selftests: verifier_runtime_jit": 13, "lib/test_bpf: tail calls": 10,
		"samples: sockex3": 1, "samples: tracex5": 1,
		"116e04ba1459: does a tail call of an empty key count?": 1, // ours
		"ff672c67ee76: a program before wrote ones there":       1,
		"ff672c67ee76: a function before wrote zeroes there":    1,
	} {
		found[origin] -= n
	}
	for origin, n := range found {
		if n != 0 {
			t.Errorf("%s: %+d cases", origin, n)
		}
	}
}

// TestErasDiffer: which cases are not as today in an era, and what they break. Every other
// column judges itself by this.
func TestErasDiffer(t *testing.T) {
	for era, want := range map[Era][]string{
		Seed: {
			"tailcall_2", "misses", "bpf2bpf_2: tail-limit", "bpf2bpf_4: tail-limit", "bpf2bpf_5: tail-limit",
			"bpf2bpf_6_zeroes: tail-limit", "hierarchy_1: tail-limit", "hierarchy_2: tail-limit", "hierarchy_3: tail-limit",
		},
		V510: {
			"tailcall_2", "misses", "hierarchy_1: tail-limit", "hierarchy_2: tail-limit", "hierarchy_3: tail-limit",
		},
		V510Unrounded: {
			"tailcall_2", "misses", "bpf2bpf_6: no-miss", "bpf2bpf_6_ones: no-miss", "bpf2bpf_6_zeroes: tail-limit",
			"hierarchy_1: tail-limit", "hierarchy_2: tail-limit", "hierarchy_3: tail-limit",
		},
		V612: nil,
	} {
		var got []string
		for _, c := range Cases() {
			differs, breaks := false, ""
			for _, s := range c.Steps {
				if r, ok := s.(Run); ok && !reflect.DeepEqual(r.want(era), r.Want) {
					differs, breaks = true, r.want(era).Breaks
				}
			}
			switch {
			case breaks != "":
				got = append(got, c.Name+": "+breaks)
			case differs:
				got = append(got, c.Name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q\nexpected %q", era, got, want)
		}
	}
}

// parsed is every program of every case, by its source and name.
func parsed(t *testing.T) map[string]*jit.Program {
	t.Helper()
	out := map[string]*jit.Program{}
	for _, c := range Cases() {
		spec, err := c.Collection()
		if err != nil {
			t.Fatal(err)
		}
		for name, ps := range spec.Programs {
			p, err := jit.Parse(name, ps.Instructions)
			if err != nil {
				t.Errorf("%s: program %s: %v", c.Name, name, err)
				continue
			}
			out[name] = p
		}
	}
	return out
}

// TestSites: a site is direct or indirect as in the kernel's case, whatever clang makes of it.
func TestSites(t *testing.T) {
	progs := parsed(t)
	for name, want := range map[string]struct{ direct, indirect int }{
		"four_sites_each": {12, 0}, "chain_or_pair": {3, 0}, "again": {1, 0},
		"selected": {0, 1}, "branches": {0, 1}, "again_indirect": {0, 1}, "into_one_indirect": {0, 1},
		"misses32": {33, 0}, "misses33": {34, 0}, "misses33_indirect": {0, 34},
		"both": {2, 0}, "through_function": {2, 0}, "frame128_first": {1, 0}, "frame128_second": {2, 0},
		"hopped2": {1, 0}, "odd": {1, 0}, "root": {1, 0}, "left_then_right": {2, 0}, "both_maps": {0, 1},
		"key 2, key 2, first branch": {1, 0}, "key 0, key 2, first branch": {0, 1}, "different maps, first branch": {0, 1},
		"parse_ether": {4, 0}, "parse_vlan": {4, 0}, "parse_mpls": {3, 0}, "parse_ip": {6, 0}, "parse_ipv6": {6, 0},
		"dispatch": {0, 1},
	} {
		p := progs[name]
		if p == nil {
			t.Errorf("no program %s", name)
			continue
		}
		direct := 0
		for _, tc := range p.TailCalls {
			if tc.Const { // of a key beyond the map too: the compiler, which knows the map, decides
				direct++
			}
		}
		if indirect := len(p.TailCalls) - direct; direct != want.direct || indirect != want.indirect {
			t.Errorf("%s: %d direct and %d indirect sites, expected %+v", name, direct, indirect, want)
		}
	}
}

// TestFrames: the frames are those of the kernel's cases, and the fault of V510Unrounded meets
// the programs that say so: those that call a function with tail calls from a stack which is
// no whole number of words.
func TestFrames(t *testing.T) {
	faulty := map[string]bool{"odd": true, "odd_loop": true}
	for name, p := range parsed(t) {
		found := false
		for f := range p.Funcs {
			found = found || p.Funcs[f].StackDepth%8 != 0 && callsTail(p, f)
		}
		if found != faulty[name] {
			t.Errorf("%s meets the unrounded stack: %v", name, found)
		}
	}
	progs := parsed(t)
	for name, want := range map[string][]int{
		"frame128_first": {128, 64}, "frame128_second": {128, 64}, "odd": {1, 0}, "odd_over_ones": {16},
		"odd_loop": {1, 8}, "memory": {16}, "memory leaf": {32}, "hopped2": {0, 4},
	} {
		var depths []int
		for _, f := range progs[name].Funcs {
			depths = append(depths, f.StackDepth)
		}
		if !slices.Equal(depths, want) {
			t.Errorf("%s: frames of %v bytes, expected %v", name, depths, want)
		}
	}
}

func callsTail(p *jit.Program, f int) bool {
	fn := &p.Funcs[f]
	for i := fn.First; i < fn.End(); i++ {
		if callee, ok := p.Callee(i); ok && p.Funcs[callee].TailCallReachable {
			return true
		}
	}
	return false
}
