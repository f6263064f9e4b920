// Package lint holds the rules of the house as tests: who may import whom, where unsafe
// code and assembly may stand, what every package and every file must have, that pages
// name only what exists, and that every mutant says what each engine must find.
//
// rules_test.go has a function for each rule. A rule takes a picture of the tree and
// returns what breaks it, one line a fault. So fail_test.go can show each rule a tree
// that breaks it. The table of imports in imports_test.go is the only copy in code, and
// pages_test.go is the rule about pages.
//
// The package has no code outside its tests.
package lint
