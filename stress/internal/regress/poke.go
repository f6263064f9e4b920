package regress

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// carry loads and runs on this goroutine while another one updates the key. The other one
// starts first and stops last, so that every load meets updates.
func (s Poke) carry(x *execution) error {
	stop, started := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	var updates int
	var updateErr error
	wg.Go(func() {
		defer func() {
			if updates == 0 {
				close(started)
			}
		}()
		for {
			for _, p := range s.Between {
				if updateErr = x.session.Put(s.Map, s.Key, p); updateErr != nil {
					return
				}
				if updates++; updates == 1 {
					close(started)
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	<-started
	err := s.loads(x)
	close(stop)
	wg.Wait()
	if updateErr != nil {
		return fmt.Errorf("update: %w", updateErr)
	}
	return err
}

func (s Poke) loads(x *execution) error {
	for n := range s.Times {
		if err := x.session.Reload(s.Load); err != nil {
			return fmt.Errorf("load %d: %w", n+1, err)
		}
		r0, err := x.session.Run(s.Load, Input{Packet: plain})
		if v, ok := errors.AsType[*Violation](err); ok {
			x.violated = append(x.violated, v.Property)
			return differ("what is violated", "nothing", v.Error())
		}
		if err != nil {
			return fmt.Errorf("run %d: %w", n+1, err)
		}
		if !slices.Contains(s.Want, r0) {
			return differ("the result", fmt.Sprint("one of ", s.Want), fmt.Sprint(r0))
		}
	}
	return nil
}
