// Package perfetto writes runs and witnesses in the form that https://ui.perfetto.dev opens: packets
// of TrackEvents, as Perfetto's protos/perfetto/trace/perfetto_trace.proto has them.
//
//	Of      a document, and the trace of a live engine where there is one
//
// A live engine is a process. Its mutator has a lane with the operations, and in them pokes and grace
// periods. Each thread has a lane that says how long it executed, with what was found of it. Each
// site that was observed has one with what its slots held. A poke or a grace period begins where the
// event before it ended: pauses of the mutator are in it.
//
// A witness is a process too, in which a step takes a microsecond: a lane for each actor, with where
// it stands between its steps, and one for each site.
package perfetto
