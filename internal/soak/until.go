package soak

import (
	"fmt"
	"strconv"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Known is what an engine has come to, over all rounds.
type Known struct {
	Cycles     uint64 // that bound the rate
	Executions uint64
	Seconds    float64
	Rate       float64 // the bound
}

// Until says when enough is known: all of its conditions hold. The zero value never says so.
type Until struct {
	text string
	all  []condition
}

type condition struct {
	of    func(Known) float64
	least bool // or most
	bound float64
}

// quantities are what a condition can be about, and whether it has a least value or a most one.
var quantities = []struct {
	name  string
	of    func(Known) float64
	least bool
}{
	{"cycles", func(k Known) float64 { return float64(k.Cycles) }, true},
	{"executions", func(k Known) float64 { return float64(k.Executions) }, true},
	{"seconds", func(k Known) float64 { return k.Seconds }, true},
	{"rate", func(k Known) float64 { return k.Rate }, false},
}

// ParseUntil reads conditions, with a comma between two: "cycles>=10000", "rate<=1e-4".
func ParseUntil(text string) (Until, error) {
	u := Until{text: text}
next:
	for _, part := range strings.Split(text, ",") {
		part = strings.ReplaceAll(part, " ", "")
		for _, q := range quantities {
			sign := "<="
			if q.least {
				sign = ">="
			}
			number, ok := strings.CutPrefix(part, q.name+sign)
			if !ok {
				continue
			}
			bound, err := strconv.ParseFloat(number, 64)
			if err != nil || !(bound > 0) || bound > 1e18 {
				return Until{}, fmt.Errorf("%q: want a number above 0 after %s", part, sign)
			}
			u.all = append(u.all, condition{q.of, q.least, bound})
			continue next
		}
		return Until{}, fmt.Errorf("%q: want cycles>=N, executions>=N, seconds>=N or rate<=R", part)
	}
	return u, nil
}

// String is what was read.
func (u Until) String() string { return u.text }

// Holds reports whether enough is known.
func (u Until) Holds(k Known) bool {
	for _, c := range u.all {
		if has := c.of(k); c.least && has < c.bound || !c.least && has > c.bound {
			return false
		}
	}
	return len(u.all) > 0
}

// known is what an engine has come to: over all rounds, or before this one and with what it says now.
func (s *soak) known(e protocol.Engine, b *report.Beat) Known {
	round := len(s.sum.Rounds) + 1
	if b == nil {
		b = &report.Beat{Counts: &report.CPUCounts{}}
	} else {
		round = s.round
	}
	sum := s.sum.Before(e, round)
	trials := sum.Trials + b.Trials
	return Known{trials, sum.Executions + b.Counts.Executions, sum.Seconds + b.Seconds, report.RateMax(trials, s.sum.Confidence())}
}
