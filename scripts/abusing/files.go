package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// drawFile makes a file that was right and is a little wrong, and has it read.
func drawFile(r *rand.Rand, in *input, m *material) {
	in.codes = answers
	in.limit = 2 * time.Second
	protocol := func(flag string, names []string) {
		in.kind = "files: " + flag + "s"
		in.args = slices.Clone(oneOf(r, [][]string{
			{"model", "--sites", "1", "--max-states", "20000"}, {"run", "--engine", "machine", "--sites", "1", "--budget", "300ms"},
			{"run", "--engine", "model,machine", "--budget", "200ms"}, {"model", "--promela", "2", "--sites", "1"},
			{"conform", "trace.txt", "--sites", "2"},
		}))
		in.give(r, "--"+flag, editText(r, m.files[oneOf(r, names)]))
	}
	switch r.IntN(8) {
	case 0:
		protocol("protocol", m.protocols)
	case 1:
		protocol("method", m.methods)
	case 2:
		in.kind = "files: scripts"
		in.args = []string{"run", "--engine", "machine", "--sites", "1", "--budget", "300ms"}
		in.give(r, "--script", editText(r, m.files["calls.txt"]))
	case 3:
		in.kind = "files: traces"
		in.args = []string{"conform", "--sites", "2", "--keys", oneOf(r, []string{"1", "2"})}
		in.give(r, "", editText(r, m.files["trace.txt"]))
	case 4, 5:
		in.kind = "files: witnesses"
		in.args = []string{"replay"}
		in.limit = 0 // the other engine is asked too, without a bound
		in.codes = append(answers[:len(answers):len(answers)], failed)
		name := oneOf(r, m.witnesses)
		in.files[name] = editJSON(r, m.files[name])
		in.args = append(in.args, name)
		if r.IntN(4) == 0 {
			in.args = append(in.args, "--svg", "out.svg")
		}
	case 6:
		in.kind = "files: objects"
		in.args = slices.Clone(oneOf(r, [][]string{
			{"disasm"}, {"model", "--max-states", "20000"}, {"run", "--engine", "machine", "--budget", "300ms"}, {"identity"},
		}))
		name := oneOf(r, m.objects)
		in.files[name] = editObject(r, m.files[name])
		in.args = append(in.args, "--object", name)
		if in.args[0] != "identity" {
			in.args = append(in.args, "--entry", oneOf(r, entries[name]))
		} else {
			in.limit = 0
		}
	case 7:
		in.kind = "files: programs"
		in.args = []string{"plugin"}
		in.stdin, in.text = text, string(editProgram(r, m.files["program.txt"]))
		if r.IntN(2) == 0 {
			in.args = append(in.args, "--interp")
		}
		if r.IntN(2) == 0 {
			in.args = append(in.args, oneOf(r, []string{"01 02 03 04", "00", strings.Repeat("ff ", 512)}))
		}
		in.limit = 0 // the verb has one of its own, which no flag says
	}
	if form := oneOf(r, []string{"", "", "json", "junit", "ktap"}); form != "" {
		in.asks(form)
	}
}

// entries are programs of object files, so that some are found.
var entries = map[string][]string{
	"tailcalls.o": {"dispatch", "parse_v1"}, "hierarchy.o": {"hierarchy", "root"}, "core.o": {"core", "one"},
	"tailcall.o": {"chain0", "ping", "branches", "four_sites_each"}, "bpf2bpf.o": {"hops", "both", "odd_loop"},
	"tracex5.o": {"dispatch"}, "sockex3.o": {"parse_ether"}, "oldmaps.o": {"entry"},
	"events.o": {"entered", "probed"}, "ksym.o": {"reads", "one"}, "lines.o": {"entry", "parse"},
}

// give hands a text over in a file, or on standard input.
func (in *input) give(r *rand.Rand, flag string, data []byte) {
	name := "given.txt"
	if r.IntN(4) == 0 {
		name, in.stdin, in.text = "-", text, string(data)
	} else {
		in.files[name] = data
	}
	if flag != "" {
		in.args = append(in.args, flag)
	}
	in.args = append(in.args, name)
}

// editProgram changes instructions, which stand one in a line, in hexadecimal.
func editProgram(r *rand.Rand, data []byte) []byte {
	if r.IntN(4) == 0 {
		return editText(r, data)
	}
	const digits = "0123456789abcdef"
	data = slices.Clone(data)
	for range 1 + r.IntN(6) {
		if i := r.IntN(len(data)); strings.IndexByte(digits, data[i]) >= 0 {
			data[i] = digits[r.IntN(len(digits))]
		}
	}
	return data
}
