//go:build !race

package stress

// raceBuild says that the race detector is on.
const raceBuild = false
