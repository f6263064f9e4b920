//go:build race

package search

// raceBuild says that the race detector is on.
const raceBuild = true
