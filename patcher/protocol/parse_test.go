package protocol

import (
	"errors"
	"strings"
	"testing"
)

// syntaxCase is a text with the place and the message of its first fault.
type syntaxCase struct{ name, text, want string }

// rest completes a protocol whose install is at fault.
const rest = "\n  update\n  remove\n"

var protocolErrors = []syntaxCase{
	{"empty", "", `1:1: expected "protocol", found the end of the text`},
	{"blank", " \n\t\n  # all comment", `3:16: expected "protocol", found the end of the text`},
	{"other keyword", "method int3", `1:1: expected "protocol", found "method"`},
	{"no name", "protocol", `1:9: expected the name of the protocol, found the end of the text`},
	{"sign as name", "protocol {", `1:10: expected the name of the protocol, found "{"`},
	{"no operation", "protocol p\n", `2:1: protocol p has no install`},
	{"no update", "protocol p\n install publish\n remove publish", `3:16: protocol p has no update`},
	{"no remove", "protocol p\n install\n update", `3:8: protocol p has no remove`},
	{"operation twice", "protocol p\n install\n update\n install publish",
		`4:2: install stands twice`},
	{"unknown operation", "protocol p\n replace publish",
		`2:2: expected install, update, remove, load, unload, mutex or reader, found "replace"`},
	{"poke outside each", "protocol p\n  install  publish; target=jump" + rest,
		`2:21: target names a descriptor's slot and must stand inside each { }`},
	{"bypass outside each", "protocol p\n  install  bypass=nop" + rest,
		`2:12: bypass names a descriptor's slot and must stand inside each { }`},
	{"each inside each", "protocol p\n  install  each { wait; each { wait } }" + rest,
		`2:25: each inside each`},
	{"publish inside each", "protocol p\n  install  each { publish }" + rest,
		`2:19: publish concerns the key, not a descriptor, and must stand outside each { }`},
	{"retire inside each", "protocol p\n  install\n  update each { retire }\n  remove",
		`3:17: retire concerns the key, not a descriptor, and must stand outside each { }`},
	{"free inside each", "protocol p\n  install\n  update each { target=jump; free }\n  remove",
		`3:30: free concerns the key, not a descriptor, and must stand outside each { }`},
	{"no semicolon", "protocol p\n  install  publish each { wait }" + rest,
		`2:20: expected ";" or the next operation, found "each"`},
	{"no semicolon inside each", "protocol p\n  install  each { wait wait }" + rest,
		`2:24: expected ";" or "}", found "wait"`},
	{"no semicolon behind each", "protocol p\n  install  each { wait } wait" + rest,
		`2:26: expected ";" or the next operation, found "wait"`},
	{"semicolon last", "protocol p\n  install  publish;" + rest,
		`3:3: expected a step, found "update"`},
	{"semicolon last inside each", "protocol p\n  install  each { wait; }" + rest,
		`2:25: expected a step, found "}"`},
	{"semicolon twice", "protocol p\n  install  publish;; wait" + rest,
		`2:20: expected a step, found ";"`},
	{"semicolon first", "protocol p\n  install  ; publish" + rest, `2:12: expected a step, found ";"`},
	{"target jumps in remove", "protocol p\n  install\n  update\n  remove each { target=jump }",
		`4:24: remove gives the key no program that the target could jump to`},
	{"retire in install", "protocol p\n  install  publish; retire" + rest,
		`2:21: install replaces no program that it could retire`},
	{"free in install", "protocol p\n  install  free" + rest,
		`2:12: install replaces no program that it could free`},
	{"unknown step", "protocol p\n  install  publish; sleep" + rest,
		`2:21: expected a step, found "sleep"`},
	{"unknown step inside each", "protocol p\n  install  each { sync }" + rest,
		`2:19: expected a step, found "sync"`},
	{"keywords have one case", "protocol p\n  install  Publish" + rest,
		`2:12: expected a step, found "Publish"`},
	{"poke without =", "protocol p\n  install  each { target jump }" + rest,
		`2:26: expected "=", found "jump"`},
	{"unknown content", "protocol p\n  install  each { target=call }" + rest,
		`2:26: expected nop or jump, found "call"`},
	{"content missing", "protocol p\n  install  each { target= }" + rest,
		`2:27: expected nop or jump, found "}"`},
	{"brace missing", "protocol p\n  install  each target=jump" + rest,
		`2:17: expected "{", found "target"`},
	{"brace never closed", "protocol p\n  install  each { wait",
		`2:23: expected ";" or "}", found the end of the text`},
	{"empty brace never closed", "protocol p\n  install  each {",
		`2:18: expected "}", found the end of the text`},
	{"operation inside each", "protocol p\n  install  each { update }" + rest,
		`2:19: expected "}", found "update"`},
	{"brace too many", "protocol p\n  install  each { wait } }" + rest,
		`2:26: expected ";" or the next operation, found "}"`},
	{"brace alone", "protocol p\n  install  }" + rest,
		`2:12: expected install, update, remove, load, unload, mutex or reader, found "}"`},
	{"load without a step", "protocol p\n load track;" + rest, `3:3: expected a step, found "update"`},
	{"load twice", "protocol p\n load track\n load track" + rest, `3:2: load stands twice`},
	{"publish in load", "protocol p\n load publish" + rest, `2:7: load has no publish`},
	{"free in load", "protocol p\n load free" + rest,
		`2:7: load replaces no program that it could free`},
	{"track in install", "protocol p\n install track" + rest, `2:10: track is a step of load alone`},
	{"untrack in load", "protocol p\n load untrack" + rest, `2:7: untrack is a step of unload alone`},
	{"track in unload", "protocol p\n unload track" + rest, `2:9: track is a step of load alone`},
	{"retire in unload", "protocol p\n unload retire" + rest,
		`2:9: unload replaces no program that it could retire`},
	{"wait if what", "protocol p\n  install  wait if" + rest,
		`3:3: expected "changed", found "update"`},
	{"wait if not", "protocol p\n  install  wait if unchanged" + rest,
		`2:20: expected "changed", found "unchanged"`},
	{"wait of unload", "protocol p\n unload wait if changed" + rest,
		`2:14: unload changes no byte: its wait is for all cases`},
	{"each in unload", "protocol p\n unload each { wait }" + rest,
		`2:9: unload changes no descriptor: it has no each`},
	{"read outside each", "protocol p\n load read" + rest,
		`2:7: read concerns a descriptor and must stand inside each { }`},
	{"open inside each", "protocol p\n load each { open }" + rest,
		`2:14: open concerns the copy, not a descriptor, and must stand outside each { }`},
	{"unknown mutex", "protocol p\n mutex many" + rest,
		`2:8: expected map, key or none, found "many"`},
	{"no mutex", "protocol p\n mutex\n install" + rest,
		`3:2: expected map, key or none, found "install"`},
	{"mutex twice", "protocol p\n mutex map\n mutex key" + rest, `3:2: mutex stands twice`},
	{"unknown grace of wait", "protocol p\n  install  publish; wait rcv" + rest,
		`2:26: expected epoch, rcu, tasks, tasks-trace or srcu, found "rcv"`},
	{"unknown grace of wait if changed", "protocol p\n  install  each { wait x if changed }" + rest,
		`2:24: expected epoch, rcu, tasks, tasks-trace or srcu, found "x"`},
	{"unknown grace of retire", "protocol p\n  install\n  update retire trace\n  remove",
		`3:17: expected epoch, rcu, tasks, tasks-trace or srcu, found "trace"`},
	{"grace of free", "protocol p\n  install\n  update free rcu\n  remove",
		`3:15: expected ";" or the next operation, found "rcu"`},
	{"two graces of wait", "protocol p\n  install  wait rcu srcu" + rest,
		`2:21: expected ";" or the next operation, found "srcu"`},
	{"reader without graces", "protocol p\n  reader a:\n  install" + rest,
		`3:3: expected epoch, rcu, tasks, tasks-trace or srcu, found "install"`},
	{"reader without colon", "protocol p\n  reader a\n  install" + rest,
		`3:3: expected ":", found "install"`},
	{"reader without name", "protocol p\n  reader : rcu\n  install" + rest,
		`2:10: expected the name of a kind of readers, found ":"`},
	{"unknown grace of reader", "protocol p\n  reader a: rcu, tree\n  install" + rest,
		`2:18: expected epoch, rcu, tasks, tasks-trace or srcu, found "tree"`},
	{"grace of reader twice", "protocol p\n  reader a: rcu, srcu, rcu\n  install" + rest,
		`2:24: rcu stands twice`},
	{"reader twice", "protocol p\n  reader a: rcu\n  reader a: srcu\n  install" + rest,
		`3:10: reader a stands twice`},
	{"reader after operation", "protocol p\n  install\n  reader a: rcu\n  update\n  remove",
		`3:3: reader must stand before all other lines`},
	{"reader after mutex", "protocol p\n  mutex map\n  reader a: rcu\n  install" + rest,
		`3:3: reader must stand before all other lines`},
	{"readers and no more", "protocol p\n  reader a: rcu", `2:16: protocol p has no install`},
	{"five readers", "protocol p\n  reader a: rcu reader b: rcu reader c: rcu\n" +
		"  reader d: rcu\n  reader e: rcu\n  install" + rest, `4:10: more than 4 kinds of readers`},
	{"unexpected character", "protocol p\n  install  publish! wait" + rest,
		`2:19: unexpected character '!'`},
	{"a tab is one column", "protocol p\n\tinstall\tpublish!", `2:17: unexpected character '!'`},
	{"a carriage return is one column", "protocol p\r\n  install\r\r!",
		`2:12: unexpected character '!'`},
	{"columns are bytes", "protocol p\n  install  wäit", `2:13: unexpected character 'ä'`},
	{"NUL", "protocol p\x00", `1:11: unexpected character '\x00'`},
	{"too long", strings.Repeat(" ", maxText+1), `1:1: text of 1048577 bytes is longer than 1048576`},
	{"longest", strings.Repeat(" ", maxText),
		`1:1048577: expected "protocol", found the end of the text`},
	{"too many steps", "protocol p\n  install  " + strings.Repeat("wait;", maxSteps) + "publish" + rest,
		`2:332: more than 64 steps`},
}

var methodErrors = []syntaxCase{
	{"empty", "", `1:1: expected "method", found the end of the text`},
	{"no name", "method ;", `1:8: expected the name of the method, found ";"`},
	{"no steps", "method m", `1:9: expected head=int3, tail, head=new, all, bytes, sync, trap=new, trap=old or trap=retry, found the end of the text`},
	{"unknown step", "method m\n  head=int3; ipi",
		`2:14: expected head=int3, tail, head=new, all, bytes, sync, trap=new, trap=old or trap=retry, found "ipi"`},
	{"unknown head", "method m\n  head=nop",
		`2:3: expected head=int3, tail, head=new, all, bytes, sync, trap=new, trap=old or trap=retry, found "head=nop"`},
	{"unknown answer", "method m\n  trap=never; all",
		`2:3: expected head=int3, tail, head=new, all, bytes, sync, trap=new, trap=old or trap=retry, found "trap=never"`},
	{"head without =", "method m\n  head; all", `2:7: expected "=", found ";"`},
	{"no semicolon", "method m\n  all sync", `2:7: expected ";", the next line or the end of the text, found "sync"`},
	{"semicolon last", "method m\n  all; sync;",
		`2:13: expected head=int3, tail, head=new, all, bytes, sync, trap=new, trap=old or trap=retry, found the end of the text`},
	{"sync alone", "method m\n  sync\n",
		`2:3: the method never writes the whole instruction: it needs all, bytes, or tail and head=new, as every slot also changes between nop and jump`},
	{"no tail", "method m head=int3; sync; head=new",
		`1:27: the method never writes the whole instruction: it needs all, bytes, or tail and head=new, as every slot also changes between nop and jump`},
	{"no new head", "method m head=int3; tail",
		`1:21: the method never writes the whole instruction: it needs all, bytes, or tail and head=new, as every slot also changes between nop and jump`},
	{"two answers", "method m\n  trap=old; all; trap=new",
		`2:18: a second answer to a trap, where one is expected at most`},
	{"answer alone", "method m trap=old",
		`1:10: the method never writes the whole instruction: it needs all, bytes, or tail and head=new, as every slot also changes between nop and jump`},
	{"unexpected character", "method m\n\tall+", `2:5: unexpected character '+'`},
	{"letter of no word", "method m\u00e9\n\tall", "1:9: unexpected character '\u00e9'"},
	{"byte order mark", "\ufeffmethod m\n\tall", `1:1: unexpected byte order mark (BOM): save the text as UTF-8 without one`},
	{"Latin-1", "method m\xe9\n\tall", `1:9: unexpected byte 0xe9, which is no UTF-8`},
	{"too long", strings.Repeat("#", maxText+1), `1:1: text of 1048577 bytes is longer than 1048576`},
	{"too many steps", "method m " + strings.Repeat("sync;", maxSteps) + "all",
		`1:330: more than 64 steps`},
}

var scriptErrors = []syntaxCase{
	{"unknown call", "put 0 0\nget 0", `2:1: expected put, delete, load or unload, found "get"`},
	{"no key", "put", `1:4: expected a key (0 to 65535), found the end of the text`},
	{"no program", "put 0", `1:6: expected a program (0 to 65535), found the end of the text`},
	{"program on the next line", "put 0\n1", `2:1: expected a program (0 to 65535), found "1"`},
	{"key on the next line", "delete\n0", `2:1: expected a key (0 to 65535), found "0"`},
	{"key is no number", "delete x", `1:8: expected a key (0 to 65535), found "x"`},
	{"key is negative", "delete -1", `1:8: expected a key (0 to 65535), found "-1"`},
	{"key too large", "delete 65536", `1:8: expected a key (0 to 65535), found "65536"`},
	{"program overflows", "put 0 99999999999999999999",
		`1:7: expected a program (0 to 65535), found "99999999999999999999"`},
	{"two calls on a line", "load unload", `1:6: expected the end of the line, found "unload"`},
	{"too many numbers", "put 0 1 2", `1:9: expected the end of the line, found "2"`},
	{"semicolon", "load;", `1:5: expected the end of the line, found ";"`},
	{"unexpected character", "load\r\n put 0! 1", `2:7: unexpected character '!'`},
	{"too long", strings.Repeat("\n", maxText+1), `1:1: text of 1048577 bytes is longer than 1048576`},
}

func TestSyntaxErrors(t *testing.T) {
	check := func(t *testing.T, cases []syntaxCase, parse func(string) (any, error)) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				v, err := parse(c.text)
				if err == nil {
					t.Fatalf("parsed as\n%v", v)
				}
				if err.Error() != c.want {
					t.Errorf("error %s\nwant  %s", err, c.want)
				}
				if se := (*SyntaxError)(nil); !errors.As(err, &se) {
					t.Errorf("%T is no syntax error", err)
				}
			})
		}
	}
	t.Run("protocol", func(t *testing.T) {
		check(t, protocolErrors, func(s string) (any, error) { return ParseProtocol(s) })
	})
	t.Run("method", func(t *testing.T) {
		check(t, methodErrors, func(s string) (any, error) { return ParseMethod(s) })
	})
	t.Run("script", func(t *testing.T) {
		check(t, scriptErrors, func(s string) (any, error) { return ParseScript(s) })
	})
}

func TestBounds(t *testing.T) {
	steps := strings.Repeat("wait;", maxSteps-1) + "publish"
	if _, err := ParseProtocol("protocol p\n  install  " + steps + rest); err != nil {
		t.Errorf("%d steps: %v", maxSteps, err)
	}
	if _, err := ParseMethod("method m " + strings.Repeat("sync;", maxSteps-1) + "all"); err != nil {
		t.Errorf("%d steps: %v", maxSteps, err)
	}
}

func TestByName(t *testing.T) {
	for _, p := range AllProtocols() {
		if got, err := ProtocolByName(p.Name); err != nil || got.String() != p.String() {
			t.Errorf("protocol %s: %v, %v", p.Name, got, err)
		}
	}
	for _, m := range Methods() {
		if got, err := MethodByName(m.Name); err != nil || got.String() != m.String() {
			t.Errorf("method %s: %v, %v", m.Name, got, err)
		}
	}
	for _, g := range Graces() {
		if got, err := GraceByName(g.Name); err != nil || got != g {
			t.Errorf("grace flavour %s: %v, %v", g.Name, got, err)
		}
	}
	for _, m := range Zoo() {
		if got, err := MutantByName(m.Name); err != nil || got.Why != m.Why {
			t.Errorf("mutant %s: %v", m.Name, err)
		}
	}
	for want, f := range map[string]func() error{
		`unknown protocol "x"; known: kernel batched lazy kernel-7.0`: func() error { _, err := ProtocolByName("x"); return err },
		`unknown method "x"; known: int3 word`:                        func() error { _, err := MethodByName("x"); return err },
		`unknown grace flavour "x"; known: epoch forget-one sleep`:    func() error { _, err := GraceByName("x"); return err },
		`unknown mutant ""; known: no-grace early-grace`:              func() error { _, err := MutantByName(""); return err },
	} {
		if err := f(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
