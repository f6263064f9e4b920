package promela

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
)

// variations are subjects that each differ from the built-in one, of the same shape, in what stands
// in their names.
func variations(t *testing.T) (names []string, subjects []protocol.Subject) {
	add := func(name string, edit func(s *protocol.Subject)) {
		s := protocol.DefaultSubject()
		s.Shape = protocol.Shape{Sites: 1, Programs: 1, Keys: 1}
		edit(&s)
		names, subjects = append(names, name), append(subjects, s)
	}
	for _, g := range append(protocol.Graces(), protocol.ModelGraces()...) {
		add("grace "+g.Name, func(s *protocol.Subject) { s.Grace = g })
		add("grace "+g.Name+", a copy", func(s *protocol.Subject) {
			s.Grace, s.Shape = g, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Indirect: true, Copies: 1}
		})
	}
	for _, p := range protocol.AllProtocols() {
		add("protocol "+p.Name, func(s *protocol.Subject) { s.Protocol = p })
	}
	for _, m := range protocol.Methods() {
		add("method "+m.Name, func(s *protocol.Subject) { s.Method = m })
	}
	for _, steps := range []string{"trap=old; head=int3; sync; tail; sync; head=new", "trap=retry; head=int3; sync; all", "bytes; sync"} {
		m, err := protocol.ParseMethod("method other\n " + steps)
		if err != nil {
			t.Fatal(err)
		}
		add("method "+steps, func(s *protocol.Subject) { s.Method = m })
	}
	for _, mutex := range []protocol.Mutex{protocol.MutexNone, protocol.MutexKey, protocol.MutexMap} {
		for maps := 1; maps <= 2 && (maps == 1 || mutex == protocol.MutexMap); maps++ {
			add(fmt.Sprintf("mutex %v, two mutators, a copy, %d maps", mutex, maps), func(s *protocol.Subject) {
				s.Protocol.Mutex = mutex
				s.Shape = protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Mutators: 2, Copies: 1, Maps: maps}
			})
		}
	}
	if testing.Short() {
		return names, subjects
	}
	for _, m := range protocol.ModelZoo() {
		add("mutant "+m.Name, func(s *protocol.Subject) {
			shape := s.Shape
			*s = needy(t, m.Name)
			s.Shape.Sites, s.Shape.Programs = shape.Sites, max(1, min(2, s.Shape.Programs))
		})
	}
	add("mutant forgotten-publish, its callers read the map", func(s *protocol.Subject) {
		*s = needy(t, "forgotten-publish")
		s.Shape = protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Indirect: true, Copies: 1}
	})
	return names, subjects
}

// difference lists the lines of each of two texts that are not in the other one.
func difference(base, text string) string {
	var b strings.Builder
	list := func(sign, of, without string) {
		left := map[string]int{}
		for line := range strings.Lines(without) {
			left[line]++
		}
		for line := range strings.Lines(of) {
			if left[line]--; left[line] < 0 && strings.TrimSpace(line) != "" {
				b.WriteString(sign + line)
			}
		}
	}
	list("- ", base, text)
	list("+ ", text, base)
	return b.String()
}

// TestVariations pins in what the texts of other subjects differ.
func TestVariations(t *testing.T) {
	names, subjects := variations(t)
	write := func(s protocol.Subject) string {
		var text strings.Builder
		if err := Write(&text, s, 2); err != nil {
			return err.Error() + "\n"
		}
		return text.String()
	}
	var b strings.Builder
	bases := map[protocol.Shape]string{}
	for i, s := range subjects {
		base := protocol.DefaultSubject()
		base.Shape = s.Shape
		base.Shape.Maps = 0 // to be said as well
		if bases[base.Shape] == "" {
			bases[base.Shape] = write(base)
		}
		fmt.Fprintf(&b, "== %s\n%s", names[i], difference(bases[base.Shape], write(s)))
	}
	const name = "testdata/variations.golden"
	if *update && !testing.Short() {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	all := string(want)
	if testing.Short() {
		all, _, _ = strings.Cut(all, "== mutant")
	}
	if diff := cmp.Diff(all, b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
