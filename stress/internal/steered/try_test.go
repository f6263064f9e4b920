package steered

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tailpoke/internal/vm"
	"tailpoke/patcher/protocol"
)

func TestTry(t *testing.T) {
	if os.Getenv("TRY") == "" {
		t.Skip()
	}
	o := Options{Machine: vm.Options{Kernel: os.Getenv("TRY"), CPUs: 4, Memory: "1G"}, Subject: protocol.DefaultSubject(), Readers: 1}
	for _, w := range strings.Fields(os.Getenv("TRYARGS")) {
		switch w {
		case "sleepable":
			o.Sleepable = true
			o.Subject.Protocol, _ = protocol.ProtocolByName("kernel-7.0")
		case "two":
			o.Readers = 2
		case "whole":
			o.Whole = true
		case "sub", "entry":
			o.Callers = append(o.Callers, w)
		default:
			k, _ := protocol.OpByName(w)
			o.Ops = append(o.Ops, k)
		}
	}
	start := time.Now()
	last := start
	o.Progress = func(n int) {
		if os.Getenv("V") != "" {
			fmt.Println(time.Since(last).Round(time.Millisecond), n)
		}
		last = time.Now()
	}
	r, err := Run(t.Context(), o)
	fmt.Println(time.Since(start), err)
	if r != nil {
		cases := r.Cases
		r.Cases = nil
		b, _ := json.Marshal(r.SteeredCounts)
		fmt.Println(string(b))
		for _, c := range cases {
			fmt.Println(c.Caller, c.Ops, c.Readers)
			for _, r := range c.Rows {
				fmt.Printf("  %-30s %d %s%s\n", r.Places, r.Entered, strings.Repeat(" ", r.First), r.Cells)
			}
		}
		for _, b := range r.Broken {
			fmt.Println(b.Property, b.Caller, b.Ops, b.Schedule, b.Text)
		}
	}
}
