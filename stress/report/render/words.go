package render

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tailpoke/internal/table"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// grouped writes a number with its thousands set apart.
func grouped[N int | uint64](n N) string {
	digits := strconv.FormatUint(uint64(n), 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// counted writes a number of things.
func counted[N int | uint64](n N, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return grouped(n) + " " + thing
}

// share is a part in percent, rounded down: 100 is all.
func share(part, whole uint64) string {
	if whole == 0 {
		return "none"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(1000*part/whole)/10), ".0") + " %"
}

// micros writes a time that is given in microseconds.
func micros(us float64) string {
	if us >= 1000 {
		return fmt.Sprintf("%.1f ms", us/1000)
	}
	return fmt.Sprintf("%.0f us", us)
}

// oneLine puts a text on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// lines are those of a text.
func lines(text string) []string { return strings.Split(strings.TrimRight(text, "\n"), "\n") }

// guestText says which kernel a verb ran on, and how.
func guestText(g *report.Guest) string {
	text := fmt.Sprintf("%s in %s, %s, CPU %s; %s, memory %s", g.Image, g.Emulator, g.Accel, g.CPU, counted(g.CPUs, "CPU"), g.Memory)
	if g.Append != "" {
		text += "; kernel told " + g.Append
	}
	return text
}

func subjectText(s *report.Subject) string {
	text := fmt.Sprintf("%s; %s, %s, %s, %s", patchingText(s), counted(s.Threads, "thread"),
		counted(s.Sites, "site"), counted(s.Programs, "program"), counted(s.Keys, "key"))
	if s.Object != "" {
		return text + fmt.Sprintf("; %s of %s", s.Entry, s.Object)
	}
	return text + "; generated"
}

// patchingText names how text is changed. What has the name of a built-in one, and is another, says so.
func patchingText(s *report.Subject) string {
	named := func(name, text string, taken error) string {
		if text != "" && taken == nil {
			return name + " (not the built-in one)"
		}
		return name
	}
	_, noProtocol := protocol.ProtocolByName(s.Protocol)
	_, noMethod := protocol.MethodByName(s.Method)
	return fmt.Sprintf("protocol %s, method %s, grace %s, layout %s", named(s.Protocol, s.ProtocolText, noProtocol),
		named(s.Method, s.MethodText, noMethod), s.Grace, s.Layout)
}

// ownTexts are the lines of what is not built in.
func ownTexts(s *report.Subject) []string {
	if s == nil || s.ProtocolText+s.MethodText == "" {
		return nil
	}
	return lines(s.ProtocolText + s.MethodText)
}

func toolText(t *report.Tool) string {
	words := []string{t.Module, t.Version}
	if t.Revision != "" {
		words = append(words, "revision "+t.Revision, t.Time)
	}
	if t.Modified {
		words = append(words, "modified")
	}
	return strings.Join(words, " ") + ", " + t.Go
}

func machineText(m *report.Machine) string {
	text := fmt.Sprintf("%s, %s, %s", m.Platform, m.CPU, counted(m.CPUs, "CPU"))
	if m.Kernel != "" {
		text += ", kernel " + m.Kernel
	}
	return text
}

// findingText is a finding on one line.
func findingText(f *report.Finding) string {
	s := fmt.Sprintf("%s: %s: %s", placeText(f), cmp.Or(f.Class, string(f.Property), string(f.Kind)), f.Place.Source.Behind(f.Text))
	if f.Count > 1 || f.AtLeast {
		s += " (" + timesText(f) + " times)"
	}
	return s
}

// timesText is how often a finding was seen.
func timesText(f *report.Finding) string {
	if f.AtLeast {
		return "at least " + grouped(f.Count)
	}
	return grouped(f.Count)
}

// placeText says who saw a finding, where, and in which operation.
func placeText(f *report.Finding) string {
	who := cmp.Or(f.Place.Who, "mutator")
	if f.Place.Thread != nil {
		who = fmt.Sprintf("thread %d", *f.Place.Thread)
	}
	if f.Place.Program != "" {
		who += " in " + f.Place.Program
	}
	if f.Place.Site != nil {
		who += strings.TrimRight(fmt.Sprintf(" at site %d %s", *f.Place.Site, f.Place.Slot), " ")
	}
	if f.During != "" {
		who += " during " + f.During
	}
	return who
}

// Reflow breaks the lines of a text anew, so that they fit. What belongs together stands in lines that
// begin alike: a paragraph; or an item, whose lines but the first stand below its text:
//
//	word  text that
//	      goes on
func Reflow(text string, width int) string {
	var out []string
	head, body := "", "" // what is to be broken yet, and where its lines begin
	end := func() {
		if head+body == "" {
			return
		}
		for _, line := range table.Wrap(body, max(width-len(head), 1)) {
			out = append(out, head+line)
			head = strings.Repeat(" ", len(head))
		}
		head, body = "", ""
	}
	for _, line := range strings.Split(text, "\n") {
		rest := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(rest)]
		if body != "" && rest != "" && len(indent) == len(head) {
			body += " " + rest
			continue
		}
		end()
		switch item := itemForm.FindString(line); {
		case line == "":
			out = append(out, "")
		case item != "":
			head, body = item, line[len(item):]
		case indent != "": // an example
			out = append(out, line)
		default:
			body = line
		}
	}
	end()
	return strings.Join(out, "\n")
}

// itemForm is what an item begins with.
var itemForm = regexp.MustCompile(`^ +\S+ {2,}`)
