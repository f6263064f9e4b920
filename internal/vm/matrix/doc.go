// Package matrix reads what a matrix of kernels and verbs is, and carries it out: each verb in a
// virtual machine of its own on each kernel, as many at once as the caller says. What a verb
// answered is kept in a directory, so that a matrix that was ended goes on where it was.
package matrix
