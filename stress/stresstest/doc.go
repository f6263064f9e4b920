// Package stresstest judges a protocol for patching live code in a test of one's own:
//
//	func TestPatching(t *testing.T) {
//		stresstest.Judge(t, myProtocol, stresstest.Options{})
//	}
//
// The module is called tailpoke, which no proxy has. The go.mod of the test names a clone of it; then
// "go mod tidy" does the rest:
//
//	require tailpoke v0.0.0
//	replace tailpoke => ../tailpoke
//
// The text is in the grammar of package protocol. The test fails if an engine finds an execution
// that breaks a property. It prints the shortest one as a table, keeps it, and says how to see it
// again:
//
//	testdata/stress/TestPatching/never-a-1f2e3d4c.txt    the calls that were made
//	testdata/stress/TestPatching/never-a-1f2e3d4c.json   the witness, for stress replay
//
// As with the corpus of a fuzz test, every later run begins with the calls that are kept, so that a
// fault that is back shows at once. Files may be committed, edited and deleted. Lines of calls are
// "put KEY PROGRAM" and "delete KEY"; a # begins a comment.
//
// # Engines
//
// Without a list of engines these two are asked, which need no rights, run on every platform, and
// say the same in every run: the model, and the machine. For the default subject that takes about a
// second. The engines cpu and kernel execute the protocol on the machine's CPUs, for a
// [Options.Duration] each. One that is missing on this machine is named in the log; if no other is
// asked, the test is skipped. A subject without an answer, such as one that was too large, fails.
//
// A test binary that asks cpu about a poke method of its own calls [stress.Child] first thing in
// TestMain. Without, the test fails:
//
//	func TestMain(m *testing.M) {
//		stress.Child()
//		os.Exit(m.Run())
//	}
//
// # What this package does not do
//
// It judges nothing itself, and knows no engine: package stress does. It registers no flags.
package stresstest
