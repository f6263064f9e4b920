// Package lint holds the rules of the house as tests: who may import whom, where unsafe
// code and assembly may stand, what every package and every file must have, and that
// every mutant says what each engine must find.
//
// rules_test.go has a function for each rule; a rule takes a picture of the tree and
// returns what breaks it, one line a fault, so that fail_test.go can show each one a
// tree that breaks it. The table of imports in imports_test.go is the only copy in code.
//
// The package has no code outside its tests.
package lint
