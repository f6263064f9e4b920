//go:build race

package judge_test

// raceBuild says that the race detector is on.
const raceBuild = true
