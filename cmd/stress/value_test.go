package main

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"300ms": 300 * time.Millisecond, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "1ns": 1, "100000000d": -1,
		"": -1, "0": -1, "0s": -1, "0d": -1, "-1s": -1, "-1d": -1, "d": -1, "1d-1h": -1, "1dd": -1, "5": -1, "1h2d": -1,
		"53375d": 53375 * 24 * time.Hour, "53376d": -1, "106751d23h47m16s": -1,
	} {
		var d duration
		if err := d.Set(text); (err == nil) != (want > 0) || err == nil && time.Duration(d) != want {
			t.Errorf("%q: %v, error %v; want %v", text, time.Duration(d), err, want)
		}
	}
}

func TestSeed(t *testing.T) {
	for _, c := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"0", 0, true}, {"42", 42, true}, {"0x2a", 42, true}, {"0XFF", 255, true},
		{"0xffffffffffffffff", 1<<64 - 1, true}, {"18446744073709551615", 1<<64 - 1, true},
		{"010", 10, true}, {"18446744073709551616", 0, false}, {"-1", 0, false}, {"", 0, false},
		{"0x", 0, false}, {"ff", 0, false}, {"1_0", 0, false}, {"0x-1", 0, false},
	} {
		var s seed
		if err := s.Set(c.text); (err == nil) != c.ok || uint64(s) != c.want {
			t.Errorf("%q: %d, error %v; want %d", c.text, uint64(s), err, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	for text, ok := range map[string]bool{"1": true, "64": true, "0": false, "-3": false, "x": false, "99999999999": false, "": false} {
		var c count
		if err := c.Set(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"kernel": "kernel", "a/b-c.txt": "a/b-c.txt", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "*": "'*'",
	} {
		if got := quoted(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
