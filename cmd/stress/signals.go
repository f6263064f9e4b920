package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// interrupt is the cause of a context that a signal ended.
type interrupt struct{ signal syscall.Signal }

func (i interrupt) Error() string {
	if i.signal == syscall.SIGTERM {
		return "terminated by SIGTERM"
	}
	return "interrupted by SIGINT"
}

// withSignals returns a context that the first SIGINT or SIGTERM ends. The second one
// finds no handler and kills.
func withSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, syscall.SIGINT, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer signal.Stop(arrived)
		select {
		case s := <-arrived:
			cancel(interrupt{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
	}
}

// interrupted returns the exit of a context that a signal ended, or nil.
func interrupted(ctx context.Context) error {
	var i interrupt
	if !errors.As(context.Cause(ctx), &i) {
		return nil
	}
	return &exit{codeSignal + int(i.signal), i}
}
