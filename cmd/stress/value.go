package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tailpoke/internal/soak"
	"tailpoke/stress"
)

// count is a flag's value that is at least 1, or 0 while it is not given.
type count int

func (c *count) String() string { return strconv.Itoa(int(*c)) }
func (c *count) Type() string   { return "N" }

func (c *count) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return fmt.Errorf("want a number from 1")
	}
	*c = count(n)
	return nil
}

// duration is a time span as package time writes it, with days before it: 7d, 1d12h.
type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }
func (d *duration) Type() string   { return "duration" }

func (d *duration) Set(text string) error {
	rest, span := text, time.Duration(0)
	if days, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > math.MaxInt64/uint64(24*time.Hour)/2 {
			return fmt.Errorf("want a time such as 300ms, 5s, 24h or 7d")
		}
		rest, span = after, time.Duration(n)*24*time.Hour
	}
	if rest != "" || text == "" {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 {
			return fmt.Errorf("want a time such as 300ms, 5s, 24h or 7d")
		}
		span += more
	}
	if span <= 0 {
		return fmt.Errorf("want more than nothing")
	}
	*d = duration(span)
	return nil
}

// size is a number of bytes, with a unit of a power of 1024.
type size uint64

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(*s)>>20, 10) + "M"
}
func (s *size) Type() string { return "size" }

func (s *size) Set(text string) error {
	digits, shift := strings.TrimSuffix(strings.TrimSuffix(text, "iB"), "B"), 0
	for i, unit := range []string{"K", "M", "G", "T"} {
		if d, ok := strings.CutSuffix(digits, unit); ok {
			digits, shift = d, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n<<shift < 1<<20 || n<<shift>>shift != n {
		return fmt.Errorf("want a size from 1M, such as 512M or 4G")
	}
	*s = size(n << shift)
	return nil
}

// seed is a uint64, decimal or hexadecimal.
type seed uint64

func (s *seed) String() string { return fmt.Sprintf("%#x", uint64(*s)) }
func (s *seed) Type() string   { return "N" }

func (s *seed) Set(text string) error {
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(strings.ToLower(text), "0x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return fmt.Errorf("want a 64-bit number, decimal or 0x hexadecimal")
	}
	*s = seed(n)
	return nil
}

// verdict is an overall verdict that can be expected.
type verdict string

func (v *verdict) String() string { return string(*v) }
func (v *verdict) Type() string   { return "verdict" }

func (v *verdict) Set(text string) error {
	if text != "holds" && text != "violated" {
		return fmt.Errorf("want holds or violated")
	}
	*v = verdict(text)
	return nil
}

// parseEngines reads names of engines.
func parseEngines(names []string) ([]stress.Engine, error) {
	var out []stress.Engine
	for _, n := range names {
		e := stress.Engine(n)
		if !slices.Contains(stress.Engines(), e) {
			return nil, fmt.Errorf("unknown engine %q; there are: %v", n, stress.Engines())
		}
		out = append(out, e)
	}
	return out, nil
}

// sleepable is what is done while a sleepable caller is held.
type sleepable string

func (s *sleepable) String() string { return string(*s) }
func (s *sleepable) Type() string   { return "what" }

func (s *sleepable) Set(text string) error {
	if !slices.Contains([]string{"remove", "update", "install", "all"}, text) {
		return fmt.Errorf("want remove, update, install or all")
	}
	*s = sleepable(text)
	return nil
}

// until says when enough is known.
type until struct{ soak.Until }

func (u *until) Type() string { return "condition" }

func (u *until) Set(text string) (err error) {
	u.Until, err = soak.ParseUntil(text)
	return err
}

// confidence is a probability, as a number below 1 or in percent.
type confidence float64

func (c *confidence) String() string { return strconv.FormatFloat(float64(*c), 'g', -1, 64) }
func (c *confidence) Type() string   { return "level" }

func (c *confidence) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0.5 && v < 1) {
		return fmt.Errorf("want a level such as 0.95 or 99%%, from 0.5 to less than 1")
	}
	*c = confidence(v)
	return nil
}
