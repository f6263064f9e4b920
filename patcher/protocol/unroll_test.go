package protocol

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// actionsText writes actions on one line: "0:" for descriptor 0, "wait?3" for a wait that is
// skipped if no poke since action 3 changed a byte.
func actionsText(acts []Action) string {
	parts := make([]string, len(acts))
	for i, a := range acts {
		s := Step{Kind: a.Kind, Slot: a.Slot, To: a.To}.String()
		if a.IfChanged {
			s += fmt.Sprintf("?%d", a.Since)
		}
		if a.Desc != NoDesc {
			s = fmt.Sprintf("%d:%s", a.Desc, s)
		}
		parts[i] = s
	}
	return strings.Join(parts, "; ")
}

// named returns a built-in protocol or that of a mutant.
func named(t *testing.T, name string) Protocol {
	t.Helper()
	if p, err := ProtocolByName(name); err == nil {
		return p
	}
	m, err := MutantByName(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Apply(DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	return s.Protocol
}

func TestUnroll(t *testing.T) {
	for _, c := range []struct {
		protocol string
		op       OpKind
		descs    int
		want     string
	}{
		{"kernel", Install, 0, "publish"},
		{"kernel", Install, 1, "publish; 0:target=jump; 0:bypass=nop"},
		{"kernel", Install, 2, "publish; 0:target=jump; 0:bypass=nop; 1:target=jump; 1:bypass=nop"},
		{"kernel", Update, 0, "publish; retire"},
		{"kernel", Update, 2, "publish; 0:target=jump; 1:target=jump; retire"},
		{"kernel", Remove, 0, "publish; retire"},
		{"kernel", Remove, 1, "publish; 0:bypass=jump; 0:wait?1; 0:target=nop; retire"},
		// A descriptor's wait does not ask for what became of other descriptors.
		{"kernel", Remove, 2,
			"publish; 0:bypass=jump; 0:wait?1; 0:target=nop; 1:bypass=jump; 1:wait?4; 1:target=nop; retire"},
		// A plain wait waits, also where there is no descriptor that could have changed a byte.
		{"batched", Remove, 0, "publish; wait; retire"},
		{"batched", Remove, 1, "publish; 0:bypass=jump; wait; 0:target=nop; retire"},
		{"batched", Remove, 2,
			"publish; 0:bypass=jump; 1:bypass=jump; wait; 0:target=nop; 1:target=nop; retire"},
		{"lazy", Remove, 0, "publish; retire"},
		{"lazy", Remove, 2, "publish; 0:bypass=jump; 1:bypass=jump; retire"},
		{"double-grace", Remove, 0, "publish; retire"},
		{"double-grace", Remove, 1, "publish; 0:bypass=jump; 0:wait?1; 0:wait?1; 0:target=nop; retire"},
		{"double-grace", Remove, 2,
			"publish; 0:bypass=jump; 0:wait?1; 0:wait?1; 0:target=nop; " +
				"1:bypass=jump; 1:wait?5; 1:wait?5; 1:target=nop; retire"},
		{"late-bypass", Remove, 0, "publish; wait; retire"},
		{"late-bypass", Remove, 2,
			"publish; wait; 0:bypass=jump; 1:bypass=jump; 0:target=nop; 1:target=nop; retire"},
		{"early-grace", Remove, 2,
			"publish; 0:wait; 0:bypass=jump; 0:target=nop; 1:wait; 1:bypass=jump; 1:target=nop; retire"},
		{"update-through-c", Update, 1,
			"publish; 0:bypass=jump; 0:wait; 0:target=jump; 0:bypass=nop; retire"},
		{"two-pass-install", Install, 2,
			"publish; 0:target=jump; 1:target=jump; 0:bypass=nop; 1:bypass=nop"},
		{"free-on-remove", Remove, 1, "publish; free; 0:bypass=jump; 0:wait; 0:target=nop"},
	} {
		if got := actionsText(named(t, c.protocol).Unroll(c.op, c.descs)); got != c.want {
			t.Errorf("%v of %s on %d descriptors\n%s\nwant\n%s", c.op, c.protocol, c.descs, got, c.want)
		}
	}
}

// TestUnrollOfAny checks what holds for every protocol.
func TestUnrollOfAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genProtocol().Draw(t, "protocol")
		op := OpKind(rapid.IntRange(0, OpKinds-1).Draw(t, "op"))
		descs := rapid.IntRange(0, 3).Draw(t, "descs")
		acts := p.Unroll(op, descs)
		i := 0
		for _, s := range p.Ops[op] {
			if s.Kind != Each {
				if a := acts[i]; a.Kind != s.Kind || a.Desc != NoDesc {
					t.Fatalf("action %d is %+v, want %v", i, a, s)
				}
				i++
				continue
			}
			for d := range descs {
				for _, b := range s.Body {
					if a := acts[i]; a.Kind != b.Kind || a.Desc != d || a.Slot != b.Slot || a.To != b.To {
						t.Fatalf("action %d is %+v, want %v of %d", i, a, b, d)
					}
					i++
				}
			}
		}
		if i != len(acts) {
			t.Fatalf("%d actions, want %d", len(acts), i)
		}
		for i, a := range acts {
			if a.Since > i || a.IfChanged && a.Kind != Wait {
				t.Fatalf("action %d: %+v", i, a)
			}
			if a.IfChanged && a.Desc != NoDesc && acts[a.Since].Desc != a.Desc {
				t.Fatalf("action %d asks for changes from action %d, of another descriptor", i, a.Since)
			}
		}
	})
}
