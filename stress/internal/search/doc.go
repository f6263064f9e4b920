// Package search looks for protocols: it goes through every text of an operation that has at most
// so many steps, puts each in the place of the subject's own, has the model judge it, and ranks
// those that are safe by what they cost.
//
//	words --candidatesOf--> candidates --judgeAll--> verdicts --rank--> report.Search
//
// What is enumerated are the texts of one operation; the other two stay. So operations that are
// safe only together are not found. No candidates are texts that never publish, that never free
// the replaced program or do so twice, and those that behave like an earlier one: their steps that
// change anything are the same, for up to three sites.
//
// The model judges each candidate on the shapes of the report. Its answer holds for any number of
// threads, and for direct callers. For indirect ones a rule stands in: a program is retired after
// publish, or freed after publish and a grace period. A protocol that does nothing is not safe: its
// installs let executions miss (no-miss), its updates and removes leave them stale programs
// (fresh).
package search
