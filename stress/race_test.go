//go:build race

package stress

// raceBuild says that the race detector is on. The mutator is then several times slower,
// and the executing threads meet a half-written instruction a hundred times less often.
const raceBuild = true
