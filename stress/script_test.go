package stress

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// A case is a script with the subject that it is carried out on. As text, the first
// line is the head that names the subject; the rest is the script.
type scriptCase struct {
	Choice
	seed   uint64
	script protocol.Script
}

func (c scriptCase) String() string {
	s, w, err := c.Resolve()
	if err == nil {
		var head string
		if head, err = (Options{Seed: c.seed}).Head(s, w); err == nil {
			return head + c.script.String()
		}
	}
	return err.Error()
}

func parseCase(text string) (c scriptCase, err error) {
	var seed string
	if c.Choice, seed, err = c.With(text); err != nil {
		return c, err
	}
	if c.seed, err = strconv.ParseUint(seed, 0, 64); err != nil {
		return c, err
	}
	c.script, err = protocol.ParseScript(text)
	return c, err
}

// findings carries the script out and returns what was seen.
func (c scriptCase) findings() ([]report.Finding, error) {
	s, target, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	r, err := Run(context.Background(), s, target, Options{
		Engines: []protocol.Engine{protocol.CPU}, Script: c.script, Seed: c.seed,
	})
	if err != nil {
		return nil, err
	}
	return r.Of(protocol.CPU).Findings, nil
}

func drawCase(t *rapid.T) scriptCase {
	c := scriptCase{seed: rapid.Uint64Range(0, 1<<20).Draw(t, "seed")}
	c.Protocol = rapid.SampledFrom([]string{"kernel", "batched", "lazy"}).Draw(t, "protocol")
	c.Layout = rapid.SampledFrom([]string{"v5.10", "seed"}).Draw(t, "layout")
	c.Threads = rapid.IntRange(1, 8).Draw(t, "threads")
	c.Sites = rapid.IntRange(1, 4).Draw(t, "sites")
	c.Keys = rapid.IntRange(1, c.Sites).Draw(t, "keys")
	c.Programs = rapid.IntRange(1, 3).Draw(t, "programs")
	call := rapid.Custom(func(t *rapid.T) protocol.Call {
		switch k := rapid.SampledFrom([]protocol.CallKind{
			protocol.Put, protocol.Put, protocol.Put, protocol.Delete, protocol.Delete, protocol.Load, protocol.Unload,
		}).Draw(t, "call"); k {
		case protocol.Put:
			return protocol.Call{Kind: k, Key: rapid.IntRange(0, c.Keys-1).Draw(t, "key"), Prog: rapid.IntRange(0, c.Programs-1).Draw(t, "program")}
		case protocol.Delete:
			return protocol.Call{Kind: k, Key: rapid.IntRange(0, c.Keys-1).Draw(t, "key")}
		default:
			return protocol.Call{Kind: k}
		}
	})
	c.script = rapid.SliceOfN(call, 1, 24).Draw(t, "script")
	return c
}

// keptScripts holds scripts that failed once, and some that are worth keeping.
const keptScripts = "testdata/scripts"

// TestScripts: whatever calls a correct protocol gets, no execution sees more than it
// may. A script that fails is kept; TestKeptScripts carries it out again.
func TestScripts(t *testing.T) {
	needCPU(t)
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCase(rt)
		found, err := c.findings()
		if err != nil {
			rt.Fatalf("%v\n%s", err, c)
		}
		if len(found) > 0 {
			kept := filepath.Join(keptScripts, "failed.txt")
			if err := os.WriteFile(kept, []byte(c.String()), 0o644); err != nil {
				rt.Error(err)
			}
			rt.Fatalf("kept in %s:\n%s\n%+v", kept, c, found)
		}
	})
}

func TestKeptScripts(t *testing.T) {
	needCPU(t)
	files, err := filepath.Glob(filepath.Join(keptScripts, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", keptScripts, err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			c, err := parseCase(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if c.String() != string(text) {
				t.Errorf("reads back as\n%s", c)
			}
			found, err := c.findings()
			if err != nil || len(found) > 0 {
				t.Errorf("%v %+v", err, found)
			}
		})
	}
}

// TestScriptsCanFail: a script on a faulty protocol is accused, so that the two tests
// above are worth something.
func TestScriptsCanFail(t *testing.T) {
	needCPU(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "hasty.txt")
	hasty := "protocol hasty\n install publish; each { bypass=nop; target=jump }\n" +
		" update publish; each { target=jump }; retire\n remove publish; each { target=nop; bypass=jump }; retire\n"
	if err := os.WriteFile(file, []byte(hasty), 0o644); err != nil {
		t.Fatal(err)
	}
	c := scriptCase{Choice: Choice{Protocol: file, Threads: 4, Sites: 1, Programs: 2, Keys: 1}}
	for range 50 {
		c.script = append(c.script, protocol.Call{Kind: protocol.Put}, protocol.Call{Kind: protocol.Delete})
	}
	found, err := c.findings()
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Error("nothing was found")
	}
}

// TestHeadReadsBack: every choice is read back from its first line. A workload that is chosen has
// nothing of another kind.
func TestHeadReadsBack(t *testing.T) {
	for _, c := range []Choice{
		{}, {Protocol: "lazy", Method: "word", Grace: "sleep", Layout: "v6.12+ibt", Threads: 3, Sites: 2, Programs: 1, Keys: 1}, {Case: "poke"},
		{Object: "bpf/hierarchy.o", Entry: "hierarchy"}, {Protocol: "protocol kernel\n install publish\n update publish\n remove publish\n"},
	} {
		s, w, err := c.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		head, err := Options{Seed: 42}.Head(s, w)
		if err != nil {
			t.Fatal(err)
		}
		back, seed, err := Choice{}.With(head + "put 0 0\n")
		if err != nil || seed != "0x2a" {
			t.Errorf("%s: seed %s, %v", head, seed, err)
		}
		again, same, err := back.Resolve()
		if err != nil || !reflect.DeepEqual(again, s) || same.Source.Entry != w.Source.Entry || same.Source.Case != w.Source.Case {
			t.Errorf("%sreads back as %+v: %v", head, back, err)
		}
		if own, _, err := (Choice{Case: "poke"}).With(head); err != nil || own.Object+own.Entry != "" || own.Sites != 0 {
			t.Errorf("%sbeside a case: %+v, %v", head, own, err)
		}
	}
}
