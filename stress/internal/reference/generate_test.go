package reference

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// A subject is what is judged, as the generator writes it.
type subject struct {
	name           string
	protocol       string // text
	method         string // text
	grace          string // name
	sites, keys    int
	threads        int // of the interpreter and of the machine; one stands for any number in the model
	indirect       bool
	parsed         protocol.Protocol
	parsedMethod   protocol.Method
	parsedGrace    protocol.Grace
	neverPublishes bool // some operation does
}

func (s subject) String() string {
	return fmt.Sprintf("%s: grace %s, %d sites, %d keys, %d threads, indirect %v\n%s%s",
		s.name, s.grace, s.sites, s.keys, s.threads, s.indirect, s.protocol, s.method)
}

// generated is the random subject of a number: the same in every run.
func generated(t *testing.T, seed uint64, number int) subject {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, uint64(number)))}
	s := subject{name: fmt.Sprintf("subject %d of seed %#x", number, seed)}
	s.protocol, s.method, s.grace = g.protocol(), g.method(), g.grace()
	s.sites, s.keys, s.threads, s.indirect = 1, 1, 1, g.IntN(4) == 0
	switch g.IntN(8) {
	case 0:
		s.sites = 2
	case 1:
		s.sites, s.keys = 2, 2
	case 2:
		s.threads = 2
	}
	if g.IntN(3) == 0 {
		s.protocol = g.withReaders(s.protocol)
	}
	s.parse(t)
	return s
}

// parse reads the texts. They must be valid.
func (s *subject) parse(t *testing.T) {
	t.Helper()
	var err error
	if s.parsed, err = protocol.ParseProtocol(s.protocol); err != nil {
		t.Fatalf("%v\n%v", s, err)
	}
	if s.parsedMethod, err = protocol.ParseMethod(s.method); err != nil {
		t.Fatalf("%v\n%v", s, err)
	}
	if s.parsedGrace, err = protocol.GraceByName(s.grace); err != nil {
		t.Fatalf("%v\n%v", s, err)
	}
	s.threads = max(s.threads, len(s.parsed.Readers)) // one of each kind
	for _, steps := range s.parsed.Ops {
		s.neverPublishes = s.neverPublishes ||
			!slices.ContainsFunc(steps, func(s protocol.Step) bool { return s.Kind == protocol.Publish })
	}
}

// A generator writes texts. It knows the words of the grammar, and of what is right no more than
// which orders are worth a try.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// A block is the steps of an operation, or of one each. A step that is an each has a block.
type block []item

type item struct {
	word string
	each block
}

func words(text string) block {
	var out block
	for w := range strings.SplitSeq(text, "; ") {
		out = append(out, item{word: w})
	}
	return out
}

func (b block) String() string {
	var parts []string
	for _, i := range b {
		switch {
		case i.word != "":
			parts = append(parts, i.word)
		case len(i.each) == 0:
			parts = append(parts, "each { }")
		default:
			parts = append(parts, "each { "+i.each.String()+" }")
		}
	}
	return strings.Join(parts, "; ")
}

// innerSteps may stand inside each, outerSteps outside.
var (
	innerSteps = []string{"bypass=nop", "bypass=jump", "target=nop", "wait", "wait if changed"}
	outerSteps = []string{"publish", "wait", "wait if changed", "each"}
)

// protocol writes a protocol: each operation in an order that is worth a try, mostly one that is
// known to be good, and then perhaps with a few steps too many, too few, or in another place.
func (g generator) protocol() string {
	ops := [...]struct {
		name string
		is   block
	}{{"install", g.install()}, {"update", g.update()}, {"remove", g.remove()}}
	for range pick(g, 0, 0, 0, 0, 0, 1, 1, 2, 3) {
		at := g.IntN(len(ops))
		ops[at].is = g.edited(ops[at].is, ops[at].name)
	}
	text := "protocol random\n"
	for _, op := range ops {
		text += fmt.Sprintf("  %-8s %v\n", op.name, op.is)
	}
	return text
}

// mostly picks of the good, and seldom of the others.
func (g generator) mostly(good, others []string) string {
	if g.IntN(10) > 0 {
		return pick(g, good...)
	}
	return pick(g, others...)
}

func (g generator) install() block {
	return g.publishing(g.mostly(
		[]string{
			"target=jump; bypass=nop", "target=jump; bypass=nop", "target=jump; wait; bypass=nop",
			"bypass=jump; target=jump; bypass=nop",
		},
		[]string{"bypass=nop; target=jump", "target=jump", "bypass=nop"}))
}

func (g generator) update() block {
	return append(g.publishing(g.mostly(
		[]string{"target=jump", "target=jump", "target=jump; wait if changed"},
		[]string{
			"bypass=jump; wait; target=jump; bypass=nop", "bypass=jump; target=jump; bypass=nop",
			"target=nop; target=jump", "wait",
		})), g.drop()...)
}

// publishing publishes before an each, most of the time.
func (g generator) publishing(body string) block {
	publish, each := words("publish"), block{{each: words(body)}}
	if g.IntN(10) == 0 {
		return append(each, publish...)
	}
	return append(publish, each...)
}

// drop lets go of what an operation replaces.
func (g generator) drop() block {
	return words(g.mostly(
		[]string{"retire", "retire", "wait; free", "wait; retire"},
		[]string{"free", "wait if changed; free"}))
}

// remove empties a key: descriptor by descriptor, or in passes, or not to the end.
func (g generator) remove() block {
	if g.IntN(3) > 0 {
		return append(g.publishing(g.mostly(
			[]string{"bypass=jump; wait; target=nop", "bypass=jump; wait if changed; target=nop"},
			[]string{"bypass=jump", "bypass=jump; target=nop", "target=nop; bypass=jump"},
		)), g.drop()...)
	}
	b := g.publishing("bypass=jump")
	b = append(b, words(g.mostly([]string{"wait", "wait if changed"}, []string{"retire"}))...)
	last := block{{each: words("target=nop")}}
	if g.IntN(2) == 0 {
		return append(append(b, g.drop()...), last...)
	}
	return append(append(b, last...), g.drop()...)
}

// edited is a block in which one step is left out, doubled, put in the place of another, moved, or
// new: at the top, or inside an each.
func (g generator) edited(b block, op string) block {
	b = slices.Clone(b)
	if at := g.IntN(len(b) + 1); at < len(b) && b[at].word == "" && g.IntN(3) > 0 {
		b[at].each = g.changed(b[at].each, func() item {
			if op != "remove" && g.IntN(4) == 0 {
				return item{word: "target=jump"}
			}
			return item{word: pick(g, innerSteps...)}
		})
		return b
	}
	return g.changed(b, func() item {
		if op != "install" && g.IntN(4) == 0 {
			return item{word: pick(g, "retire", "free")}
		}
		w := pick(g, outerSteps...)
		if w == "each" {
			return item{each: words(pick(g, innerSteps...))}
		}
		return item{word: w}
	})
}

func (g generator) changed(b block, fresh func() item) block {
	b = slices.Clone(b)
	if len(b) == 0 {
		return block{fresh()}
	}
	at := g.IntN(len(b))
	switch g.IntN(5) {
	case 0:
		return slices.Delete(b, at, at+1)
	case 1:
		return slices.Insert(b, at, fresh())
	case 2:
		b[at] = fresh()
	case 3:
		return slices.Insert(b, at, b[g.IntN(len(b))])
	default:
		with := g.IntN(len(b))
		b[at], b[with] = b[with], b[at]
	}
	return b
}

// method writes a poke method: the kernel's, a single store, or steps in any order.
func (g generator) method() string {
	const int3 = "head=int3; sync; tail; sync; head=new; sync"
	steps := pick(g, int3, int3, int3, "all; sync")
	switch g.IntN(12) {
	case 0:
		steps = "trap=old; " + int3
	case 1:
		steps = "trap=retry; " + int3
	case 2:
		steps = pick(g, "all", "bytes; sync")
	case 3:
		steps = g.changed(words(int3), func() item {
			return item{word: pick(g, "head=int3", "sync", "tail", "head=new", "all", "bytes")}
		}).String()
	case 4:
		var list block
		for range 1 + g.IntN(4) {
			list = append(list, item{word: pick(g, "head=int3", "sync", "tail", "head=new", "all")})
		}
		steps = list.String()
	}
	if !completes(steps) {
		steps += pick(g, "; all", "; tail; head=new", "; all; sync", "; bytes")
	}
	return "method random\n  " + steps + "\n"
}

// completes reports whether the whole new instruction is written: the grammar asks for that.
func completes(steps string) bool {
	has := func(word string) bool { return slices.Contains(strings.Split(steps, "; "), word) }
	return has("all") || has("bytes") || has("tail") && has("head=new")
}

func (g generator) grace() string {
	return g.mostly([]string{"epoch"}, []string{"forget-one", "sleep"})
}
