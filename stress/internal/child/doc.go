// Package child has work done in a process of its own, because what is executed there may do
// anything: half an instruction, or a program of which nothing is known.
//
// The child is this program's own executable, started again. [Serve], called first in main, turns
// such a process into a child; [Ask] starts one, and gives it its work on standard input. What
// is asked and answered is JSON. A child that its work kills is told apart from one that failed.
package child
