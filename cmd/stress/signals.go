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
	switch i.signal {
	case syscall.SIGTERM:
		return "terminated by SIGTERM"
	case syscall.SIGHUP:
		return "ended by SIGHUP"
	}
	return "interrupted by SIGINT"
}

// withSignals returns a context that the first SIGINT, SIGTERM or SIGHUP ends. The second one finds
// no handler and kills. A SIGHUP that is ignored, as by nohup, stays ignored.
func withSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(arrived, syscall.SIGHUP)
	}
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
