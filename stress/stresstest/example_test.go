package stresstest_test

import (
	"testing"

	"tailpoke/stress"
	"tailpoke/stress/stresstest"
)

// A test of one's own: the text is a protocol, and stands in the test or in a file.
func ExampleJudge() {
	_ = func(t *testing.T) { // func TestPatching(t *testing.T)
		stresstest.Judge(t, `
			protocol mine
			  install  publish; each { target=jump; bypass=nop }
			  update   publish; each { target=jump }; retire
			  remove   publish; each { bypass=jump; wait if changed; target=nop }; retire`,
			stresstest.Options{})
	}
}

// Two sites, another poke method, and this machine's CPUs beside model and machine.
func ExampleOptions() {
	_ = func(t *testing.T) { // func TestPatching(t *testing.T)
		stresstest.Judge(t, "", stresstest.Options{
			Choice:  stress.Choice{Protocol: "patching.txt", Method: "word", Sites: 2},
			Engines: []stress.Engine{"model", "machine", "cpu"},
		})
	}
}
