// Package promela states a [protocol.Subject] in Promela, the language of the model checker
// Spin. [Write] makes the text from the subject alone. It says a second time, for somebody
// else's checker, what the document of package model says; nothing of that package goes into
// it, so that their agreement is evidence.
//
//	threads   active [THREADS] proctype thread: fetches slots, acts on what it sees
//	mutator   calls any operation on any key, for ever, and carries out its actions
//	loader    loads and unloads copies of the caller, if the shape has copies
//	rcu       ends the grace periods of retired programs
//
// Every d_step is one move, and processes rest only between moves. A move that breaks a
// property leads nowhere: it makes an assertion fail that names the property, and leaves the
// state as it is.
//
// With its reductions off (spin -a -o1 -o2 -o3; gcc -DNOREDUCE) Spin stores the states that
// model.Check finds with NoSymmetry, one for one. It counts the same transitions and one
// more, the way into the initial state. A trail that it finds breadth first (-DBFS) is as
// long as the model's witness. The tests of package model compare them: a few with every
// run, all of them with scripts/spin.
//
// # What this package does not do
//
// It does not run Spin. The text does not ask whether operations end. What it cannot say, such
// as a shape that is too large, it refuses with [ErrUnsupported].
package promela
