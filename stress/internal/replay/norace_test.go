//go:build !race

package replay

// raceBuild says that the race detector is on.
const raceBuild = false
