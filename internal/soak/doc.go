// Package soak runs engines on real CPUs for a long time, in rounds: each in a process of its own,
// with a seed of its own. What a round says is kept in a folder of package state before anybody is
// told, so that a soak goes on after whatever ended it. A round whose process dies, says nothing any
// more, or has too much memory ends with a finding, and the next one begins.
package soak
