package sim

import (
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"tailpoke/patcher/protocol"
)

// describe says what a move from x does. y is where it leads, nil if it breaks a property.
func (g walker) describe(x, y state, m move) (Step, error) {
	st := Step{Choice: choiceOf(m)}
	if m.actor == Mutator {
		st.Text = g.s.mutatorText(x, m)
	} else if err := g.describeThread(&st, x, m); err != nil {
		return st, err
	}
	if y == nil {
		st.View = g.s.view(x)
		return st, nil
	}
	for n, t := range g.s.texts {
		if statusOf(y[textsWord], n) == freed && statusOf(x[textsWord], n) != freed {
			st.Text += "; " + t.name + " is freed"
		}
	}
	st.View = g.s.view(y)
	return st, nil
}

// shownRegs are the registers that a step's description looks at: the counter, and what a
// frame keeps.
var shownRegs = [...]reg{rax, rcx, rbx, rbp, rsp, r13, r14, r15}

// describeThread takes the step of the thread again and says what it does.
func (g walker) describeThread(st *Step, x state, m move) error {
	l := g.s.local(x[g.s.wordOf(m.actor)] & localMask)
	g.t.unpack(l.content)
	before, from := g.t.regs, g.t.rip
	if m.in.kind() == enters {
		from = g.s.texts[0].at
	}
	st.At = g.s.where(from)
	st.Bytes, st.Insn = g.s.fetched(from, m)
	st.Text = g.s.inputText(l, m)
	r := run{s: g.s, t: g.t}
	var f *fault
	if text := l.stop.text; text >= 0 && statusOf(x[textsWord], text) == freed {
		f = &fault{} // it executes nothing
	} else {
		var err error
		if f, err = r.step(m.in); err != nil {
			return err
		}
	}
	st.Count = r.count
	if f == nil && g.t.phase == idle {
		st.Text += fmt.Sprintf("; returns %#x", g.t.regs[rax])
	}
	for _, n := range shownRegs {
		if f != nil || g.t.regs[n] != before[n] && m.in.kind() != enters {
			st.Regs = append(st.Regs, Reg{n.String(), g.t.regs[n]})
		}
	}
	return nil
}

// fetched is the instruction that a thread's step begins with, and its text.
func (s *system) fetched(rip uint64, m move) ([]byte, string) {
	in := s.textAt(rip)
	if in < 0 {
		return nil, ""
	}
	t := s.texts[in]
	off := rip - t.at
	code := t.img.Code[off:min(int(off)+int(t.insns[off].size), len(t.img.Code))]
	switch m.in.kind() {
	case fetches, emulate:
		c := unpack(m.in.value())
		code = c[:]
	case traps, retries:
		code = []byte{int3}
	}
	i, err := x86asm.Decode(code, 64)
	if err != nil {
		return code, "no instruction"
	}
	return code, x86asm.IntelSyntax(i, rip, nil)
}

// inputText says what a thread's step is about.
func (s *system) inputText(l *local, m move) string {
	switch v := m.in.value(); m.in.kind() {
	case enters:
		return "enters"
	case loads:
		what := "nothing"
		if v != 0 {
			what = s.texts[v-1].name
		}
		return fmt.Sprintf("reads the map: %s", what)
	case fetches:
		return s.slotName(m.slot) + " " + s.acts(m.slot, unpack(v))
	case emulate:
		return "handler: acts as " + s.acts(m.slot, unpack(v))
	case traps:
		return s.slotName(m.slot) + " int3: traps"
	case retries:
		return "handler: runs the byte again"
	}
	if l.stop.text < 0 {
		return "leaves"
	}
	return "runs in " + s.texts[l.stop.text].name
}

// acts says what executing a content means.
func (s *system) acts(n int, c content) string {
	name := s.contentName(n, c)
	switch at := &s.slots[n]; {
	case !at.whole[c]:
	case at.which == protocol.Bypass && c == nop5:
		name += ": takes its frame off"
	case at.which == protocol.Bypass:
		name += ": skips the site"
	case c == nop5:
		name += ": falls through"
	default:
		name += ": tail call"
	}
	return name
}

func (s *system) slotName(n int) string {
	return fmt.Sprintf("%v %s", s.slots[n].which, s.siteName(s.slots[n].site))
}

// siteName is the number of a site, with its program where that is not the entry.
func (s *system) siteName(site int) string {
	if t := s.sites[site].text; t != 0 {
		return fmt.Sprintf("%d (%s)", site, s.texts[t].name)
	}
	return fmt.Sprint(site)
}

// contentName names a whole instruction, and gives the bytes of any other.
func (s *system) contentName(n int, c content) string {
	at := &s.slots[n]
	switch {
	case c == nop5:
		return "nop"
	case c == at.jump && at.which == protocol.Bypass:
		return "jmp out"
	}
	if c[0] == int3 {
		return "int3 " + hex.EncodeToString(c[1:])
	}
	for _, t := range s.texts {
		if at.which == protocol.Target && c == jumpTo(at.at, t.landing()) {
			return "jmp " + t.name
		}
	}
	return hex.EncodeToString(c[:])
}

// mutatorText says what a step of the mutator is about.
func (s *system) mutatorText(x state, m move) string {
	was := mutatorOf(x[mutatorWord])
	var out strings.Builder
	if m.calls {
		fmt.Fprintf(&out, "%v: ", m.call)
		was = s.begun(x, m)
	}
	acts := s.actions[was.op][was.key]
	if len(acts) == 0 {
		return out.String() + "nothing to do"
	}
	a := &acts[was.action]
	switch a.Kind {
	case protocol.Poke:
		out.WriteString(s.pokeText(x, was, a))
	case protocol.Wait:
		out.WriteString("wait")
		if a.Guarded && was.changed <= a.Since {
			out.WriteString(": no byte changed, skipped")
		}
	case protocol.Publish:
		what := "nothing"
		if was.given != none {
			what = s.texts[was.given].name
		}
		fmt.Fprintf(&out, "publish %s", what)
	default:
		fmt.Fprintf(&out, "%v %s", a.Kind, s.texts[was.old].name)
	}
	return out.String()
}

// begun is the mutator at the beginning of a call.
func (s *system) begun(x state, m move) mutator {
	was := mutator{key: m.call.Key, given: none, old: textIn(x[keysWord], m.call.Key)}
	if m.call.Kind == protocol.Put {
		was.given, _ = s.copyFor(x, m.call.Prog)
	}
	switch {
	case was.old == none:
		was.op = int(protocol.Install)
	case was.given == none:
		was.op = int(protocol.Remove)
	default:
		was.op = int(protocol.Update)
	}
	return was
}

func (s *system) pokeText(x state, was mutator, a *action) string {
	n := s.sites[a.site].slots[a.Slot]
	to := s.content(a, was.given)
	out := fmt.Sprintf("%s=%s: ", s.slotName(n), s.contentName(n, to))
	st := s.slotState(x[firstSlotWord+n])
	switch {
	case st == nil:
		return out + "its program is freed, skipped"
	case was.micro == 0 && st.mem != st.expect:
		return out + "finds " + s.contentName(n, st.mem)
	case was.micro == 0 && st.expect == to:
		return out + "nothing to do"
	}
	return out + s.method.Steps[was.micro].String()
}

// view says what a state shows.
func (s *system) view(x state) View {
	var v View
	for i := range s.threads {
		v.Threads = append(v.Threads, s.position(s.local(x[s.wordOf(i)]&localMask)))
	}
	for i, at := range s.sites {
		bypass, target := s.slotState(x[firstSlotWord+at.slots[0]]), s.slotState(x[firstSlotWord+at.slots[1]])
		if bypass == nil {
			v.Sites = append(v.Sites, SiteView{s.siteName(i), "freed", "", ""})
			continue
		}
		v.Sites = append(v.Sites, SiteView{
			Name:   s.siteName(i),
			Bypass: s.slotText(at.slots[0], bypass), Target: s.slotText(at.slots[1], target),
			State: s.letter(at, bypass, target),
		})
	}
	return v
}

func (s *system) slotText(n int, x *slotState) string {
	name := s.contentName(n, x.mem)
	if !x.settled() {
		name += "*"
	}
	return name
}

func (s *system) letter(at site, bypass, target *slotState) string {
	if !s.slots[at.slots[0]].whole[bypass.mem] || !s.slots[at.slots[1]].whole[target.mem] {
		return "?"
	}
	of := func(c content) protocol.Content {
		if c == nop5 {
			return protocol.Nop
		}
		return protocol.Jump
	}
	return protocol.StateOf(of(bypass.mem), of(target.mem)).String()
}

// position says where a thread stands.
func (s *system) position(l *local) string {
	st := &l.stop
	if st.phase == idle {
		return "idle"
	}
	t := newThread(s)
	t.unpack(l.content)
	out := s.where(t.rip)
	if st.slot >= 0 {
		out += " (" + s.slotName(st.slot) + ")"
	}
	if st.phase == trapped {
		out += ", trapped"
	}
	return out
}
