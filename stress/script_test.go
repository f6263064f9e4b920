package stress

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// A case is a script with the subject that it is carried out on. As text, the first
// line is a comment that names the subject; the rest is the script.
type scriptCase struct {
	Choice
	seed   uint64
	script protocol.Script
}

const caseHeader = "# protocol=%s layout=%s threads=%d sites=%d programs=%d keys=%d seed=%d\n"

func (c scriptCase) String() string {
	return fmt.Sprintf(caseHeader, c.Protocol, c.Layout, c.Threads, c.Sites, c.Programs, c.Keys, c.seed) + c.script.String()
}

func parseCase(text string) (c scriptCase, err error) {
	head, _, _ := strings.Cut(text, "\n")
	for _, f := range strings.Fields(strings.TrimPrefix(head, "#")) {
		k, v, _ := strings.Cut(f, "=")
		dst, ok := map[string]any{
			"protocol": &c.Protocol, "layout": &c.Layout, "threads": &c.Threads, "sites": &c.Sites,
			"programs": &c.Programs, "keys": &c.Keys, "seed": &c.seed,
		}[k]
		if !ok {
			return c, fmt.Errorf("unknown field %q", k)
		}
		if _, err := fmt.Sscan(v, dst); err != nil {
			return c, fmt.Errorf("field %s: %w", f, err)
		}
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
