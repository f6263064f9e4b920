// Package state keeps what a soak has seen, in a folder that outlives the process:
//
//	journal.jsonl   a record a line, as JSON; only ever appended to
//	bundles/        a file for each finding, see stress replay
//	lock            held by the soak that writes; its text is that process's number
//
// The first line of the journal is its [Head]: the schema, and what is soaked. After it come, as they
// happen: a [Run], each time that the command is started; a verdict of each engine that explores; a
// [Round] of an engine on real CPUs, which has a process and a seed of its own; each few seconds a
// [Tick], which has the sums of its round so far; the [Finished] round; and a finding whenever its
// count has grown. A line is an object with one field, whose name says what it is:
//
//	{"head":{"schema":"stress/soak-state/1","subject":{...},"seed":"0x2a",...}}
//	{"run":{"began":"2026-11-28T08:00:00Z","tool":{...},"machine":{...}}}
//	{"round":{"round":1,"engine":"cpu","seed":"0x...","at":"2026-11-28T08:00:01Z","seconds":300}}
//	{"tick":{"round":1,"at":1795852811,"seconds":10.0,"trials":1200,"counts":{...},"child":{...},"parent":{...}}}
//	{"finding":{"round":1,"finding":{"key":"...","kind":"violation","count":3,...}}}
//	{"finished":{"round":1,"how":"done","at":1795853101,"seconds":300,...,"verdict":{...}}}
//
// Every prefix of a journal that ends with a line is a journal: what is lost with a process is the
// line that it had not finished, and that is cut off when the folder is opened again. A line is on
// the disk before anybody is told what it says. Since a tick has sums and no differences, reading
// adds the last one of each round; so counts never go back. Unknown fields and records are skipped,
// and a schema that is newer is refused.
//
// [Open] is for the soak, one at a time; [Read] is for everybody else, also while a soak writes. What
// they have is a [Sum], whose [Sum.Document] is what the command prints.
package state
