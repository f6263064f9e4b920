// Package metrics writes the document of a soak in the text format that Prometheus reads: [Text].
//
// Names follow Prometheus' conventions: a prefix, base units, _total on counters. Counters are the
// sums over all runs on a folder of state, so they do not begin anew where a soak goes on, and never
// go back. Prometheus' library checks and writes them, from a registry that has nothing else: the
// document is of another process often, and this one's metrics are no part of it.
package metrics
