// Package metrics writes the document of a soak in the text format that Prometheus reads: [Text].
//
// Names follow Prometheus' conventions: a prefix, base units, _total on counters. Counters are the
// sums over all runs on a folder of state, so they do not begin anew where a soak goes on, and never
// go back. The format is written here and not by Prometheus' library, which is a quarter of the
// command (RATIONALE.md); tests read it with that library, and have it judge the names.
package metrics
