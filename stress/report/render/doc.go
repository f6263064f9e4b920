// Package render makes text of documents: for people, as JSON, as JUnit's XML and in the kernel's
// test format.
//
// Whatever a verb found is a [report.Document]. This package has two readings of one, and a file
// for each section that it may have:
//
//	parts   what stands on a page: lines with a name, and tables
//	cases   what a test harness makes of it: names that pass, fail, or are skipped
//
// A form of output is a file that writes one of these readings, and a row in [Formats]. All words
// that people read are in this package and in the engines' own reasons; nothing reads them back.
//
//	another form of output       a file like ktap.go, and its row in formats.go
//	a column of a table          a row of the table's columns: mutants.go, search.go, live.go
//	what another verb found      a file like trace.go, and its row in view.go
package render
