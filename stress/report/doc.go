// Package report holds what the verbs of the command find, as plain data.
//
// A [Document] is what a verb hands to its reader: on which subject, with which seed, what each
// engine said, and what all of them say together. What else a verb finds is a record of its own:
// [Mutants], [Search], [Replay], [TraceCheck], [Regression], [Identity], [Doctor].
//
// The package knows no engine and runs nothing. Engines fill its records, and renderers read them.
// It imports protocol and witness alone, and builds on every platform. The names of the fields in
// JSON are part of the command's interface; [Document.Schema] says their version.
package report
