//go:build !linux

package kernel

import "errors"

// Supported says why there is no kernel to run in.
func Supported() error { return errors.New("needs Linux") }

// Needs lists the capabilities that a run keeps, and what for.
func Needs() []string { return nil }

func confined(f func() error) error { return f() }

func pinTo(int) {}

func takeTurns() {}

func prefer() {}

func gracePeriod() bool { return false }
