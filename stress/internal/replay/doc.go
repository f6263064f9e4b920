// Package replay keeps witnesses in files, and shows them again.
//
// A file says what was judged, what of it was explored, and the choices that lead to the violation.
// What the steps do is not in it: [Run] computes that anew, with the engine whose witness it is. It
// asks another engine about the same subject, and takes the steps to real CPUs if they are
// instructions.
package replay
