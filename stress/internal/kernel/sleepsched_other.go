//go:build !linux

package kernel

import (
	"errors"
	"time"
)

const hogPriority, readerPriority, mutatorPriority = 0, 0, 0

func thisThread() int            { return 0 }
func fifo(int, uint32) error     { return errors.ErrUnsupported }
func normal(int)                 {}
func rest(time.Duration)         {}
func unthrottled() (back func()) { return func() {} }
