package exec

import (
	"errors"
	"fmt"
	"math/bits"
)

func (c PoolConfig) check() error {
	switch {
	case c.Threads < 1 || c.Threads > MaxThreads:
		return fmt.Errorf("%d threads: want 1 to %d", c.Threads, MaxThreads)
	case len(c.Ctx) > MaxCtx:
		return fmt.Errorf("context of %d bytes is longer than %d", len(c.Ctx), MaxCtx)
	case c.RestoreLo < 0 || c.RestoreHi < c.RestoreLo || c.RestoreHi > len(c.Ctx):
		return fmt.Errorf("bytes %d to %d to restore lie outside the context", c.RestoreLo, c.RestoreHi)
	case len(c.Outcomes) > MaxOutcomes:
		return fmt.Errorf("%d outcomes: want at most %d", len(c.Outcomes), MaxOutcomes)
	}
	return nil
}

// hashBits is the logarithm of the outcome table's size.
const hashBits = 8

func hash(v, mul uint64) uint64 { return v * mul >> (64 - hashBits) }

// perfectHash finds a multiplier under which no two values meet in the outcome table.
func perfectHash(values []uint64) (uint64, error) {
	mul := uint64(0x9e3779b97f4a7c15)
search:
	for range 1 << 20 {
		var used [1 << hashBits]bool
		for _, v := range values {
			h := hash(v, mul)
			if used[h] {
				mul = mul*6364136223846793005 + 1442695040888963407
				mul |= 1
				continue search
			}
			used[h] = true
		}
		return mul, nil
	}
	return 0, errors.New("the outcomes are not distinct")
}

func bitIndex(bit uint64) int { return bits.TrailingZeros64(bit) }
