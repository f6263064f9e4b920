package sim

import (
	"testing"

	"tailpoke/jit"
)

// BenchmarkCheck explores the kernel's protocol.
func BenchmarkCheck(b *testing.B) {
	for _, bc := range []struct {
		name string
		make func() Config
	}{
		{"2threads2sites", func() Config { return direct(b, 2, 2, 2) }},
		{"3threads2sites", func() Config { return direct(b, 3, 2, 2) }},
		{"4threads2sites", func() Config { return direct(b, 4, 2, 2) }},
		{"single-steps", func() Config {
			c := direct(b, 2, 2, 2)
			c.NoMerge = true
			return c
		}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			c := bc.make()
			c.Script = script(b, whole)
			states := 0
			for b.Loop() {
				states += check(b, c).States
			}
			b.ReportMetric(float64(states)/b.Elapsed().Seconds(), "states/s")
			b.ReportMetric(float64(states)/float64(b.N), "states")
		})
	}
}

// BenchmarkHierarchy finds the limit spent twice.
func BenchmarkHierarchy(b *testing.B) {
	c := selfCaller(b, hierarchy(b), &jit.V510)
	for b.Loop() {
		check(b, c)
	}
}

// BenchmarkInstruction executes bodies without sites.
func BenchmarkInstruction(b *testing.B) {
	c := direct(b, 1, 1, 1).withDefaults()
	s, err := newSystem(&c)
	if err != nil {
		b.Fatal(err)
	}
	t := newThread(s)
	count := 0
	for b.Loop() {
		r := run{s: s, t: t}
		if f, err := r.step(enters); f != nil || err != nil {
			b.Fatal(f, err)
		}
		count += r.count
	}
	b.ReportMetric(float64(count)/b.Elapsed().Seconds(), "instructions/s")
}
