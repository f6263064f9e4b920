package protocol

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Errorf(string, ...any)
}

// roundTrip prints a value, parses the text, and wants the value back, and the text.
func roundTrip[T interface{ String() string }](t tester, v T, parse func(string) (T, error)) {
	t.Helper()
	text := v.String()
	got, err := parse(text)
	if err != nil {
		t.Errorf("%v in\n%s", err, text)
		return
	}
	if diff := cmp.Diff(v, got); diff != "" {
		t.Errorf("parsed from\n%s-printed +parsed\n%s", text, diff)
	}
	if again := got.String(); again != text {
		t.Errorf("printed\n%sthen\n%s", text, again)
	}
}

func TestBuiltInsPrintAsTheyStand(t *testing.T) {
	protocols, methods := []string{kernelText, batchedText, lazyText, kernel70Text}, []string{int3Text, wordText}
	if len(AllProtocols()) != len(protocols) || len(Methods()) != len(methods) {
		t.Errorf("%d protocols and %d methods: add their texts to this test", len(AllProtocols()), len(Methods()))
	}
	for i, text := range protocols {
		p := AllProtocols()[i]
		if p.String() != text {
			t.Errorf("%s prints as\n%sand stands as\n%s", p.Name, p, text)
		}
		roundTrip(t, p, ParseProtocol)
	}
	for i, text := range methods {
		m := Methods()[i]
		if m.String() != text {
			t.Errorf("%s prints as\n%sand stands as\n%s", m.Name, m, text)
		}
		roundTrip(t, m, ParseMethod)
	}
}

func TestMutantsRoundTrip(t *testing.T) {
	for _, m := range Zoo() {
		s, err := m.Apply(DefaultSubject())
		if err != nil {
			t.Error(err)
			continue
		}
		roundTrip(t, s.Protocol, ParseProtocol)
		roundTrip(t, s.Method, ParseMethod)
	}
}

func TestGeneratedRoundTrip(t *testing.T) {
	t.Run("protocol", rapid.MakeCheck(func(t *rapid.T) {
		roundTrip(t, genProtocol().Draw(t, "protocol"), ParseProtocol)
	}))
	t.Run("method", rapid.MakeCheck(func(t *rapid.T) {
		roundTrip(t, genMethod().Draw(t, "method"), ParseMethod)
	}))
	t.Run("script", rapid.MakeCheck(func(t *rapid.T) {
		roundTrip(t, genScript().Draw(t, "script"), ParseScript)
	}))
}

// TestLooks parses texts that a person may write in place of what is printed.
func TestLooks(t *testing.T) {
	for name, text := range map[string]string{
		"tabs": "protocol\tkernel\n\t" +
			"install\tpublish;\teach\t{\ttarget=jump;\tbypass=nop\t}\n\t" +
			"update publish; each { target=jump }; retire\n\t" +
			"remove publish; each { bypass=jump; wait if changed; target=nop }; retire",
		"CRLF": "protocol kernel\r\n  " +
			"install publish; each { target=jump; bypass=nop }\r\n  " +
			"update publish; each { target=jump }; retire\r\n  " +
			"remove publish; each { bypass=jump; wait if changed; target=nop }; retire\r\n",
		"one line": "protocol kernel " +
			"install publish; each{target=jump;bypass=nop} " +
			"update publish;each{target=jump};retire " +
			"remove publish;each{bypass=jump;wait if changed;target=nop};retire",
		"comments": "# the kernel's\nprotocol kernel # order\n" +
			"install publish; # é\n each { target=jump; bypass=nop }\n" +
			"update publish; each { target=jump }; retire\n" +
			"remove publish; each { bypass=jump; wait if changed; target=nop }; retire #",
		"other order": "protocol kernel\n" +
			"remove publish; each { bypass=jump; wait if changed; target=nop }; retire\n" +
			"update publish; each { target=jump }; retire\n" +
			"install publish; each { target=jump; bypass=nop }",
		"spaced signs": "protocol kernel\n" +
			"install publish ; each { target = jump ; bypass = nop }\n" +
			"update publish; each { target\n=\njump }; retire\n" +
			"remove publish; each { bypass=jump; wait if changed; target=nop }; retire",
	} {
		p, err := ParseProtocol(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(Protocols()[0], p); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	m, err := ParseMethod("method int3\r\n\thead = int3;sync;tail;sync\r\n;head=new;sync # done")
	if err != nil || !cmp.Equal(m, Methods()[0]) {
		t.Errorf("method: %v, %v", m, err)
	}
	s, err := ParseScript("\tput 0 1\r\n\r\n# nothing\ndelete 65535\nload\nunload")
	want := Script{{Put, 0, 1}, {Delete, 65535, 0}, {Kind: Load}, {Kind: Unload}}
	if err != nil || !cmp.Equal(s, want) {
		t.Errorf("script: %v, %v", s, err)
	}
}
