// Package serve shows the state of a soak to browsers, while it runs or after.
//
//	GET /              the page, which brings itself up to date
//	GET /report.json   the same document as JSON
//	GET /metrics       the same as Prometheus reads it
//	GET /bundles/NAME  the file of a finding
//
// It reads the folder of the state, anew whenever the soak has written. It has no action: nothing that
// a browser asks for changes anything, and so there is no token to steal. What it shows is what stands
// in the folder, which holds no secret of the machine.
//
// On a loopback address it answers only to the names of that: a page of somebody else, whose name
// leads to 127.0.0.1, gets nothing.
package serve
