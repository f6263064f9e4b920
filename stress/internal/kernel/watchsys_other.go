//go:build !linux

package kernel

import "time"

func objectInfo(uint64, int) error { return errWatchHere }

func storeCPU(uint64) {}

func nap(time.Duration) {}

type watchThread struct{}

func attend() (*watchThread, error) { return nil, errWatchHere }

func (*watchThread) keepOff(int) {}

func (*watchThread) leave() {}
