package model_test

import (
	"fmt"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
)

// The kernel's protocol is proved for any number of threads.
func ExampleCheck() {
	r, err := model.Check(protocol.DefaultSubject(), model.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Verdict, r.States, "states", r.Transitions, "transitions")
	// Output: proved 824 states 1917 transitions
}

// Without its grace period it is not, though memory never shows A.
func ExampleCheck_witness() {
	m, err := protocol.MutantByName("no-grace")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := m.Apply(protocol.DefaultSubject())
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Method = protocol.Methods()[1] // word: one aligned store
	r, err := model.Check(s, model.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(r.Witness)
	// Output:
	// step  mutator                      thread 0                   site 0: bypass  target    state
	// ----  ---------------------------  -------------------------  --------------  --------  -----
	//    0                                                          jump-out        nop       C
	//    1  install key 0 to p0: called
	//    2  publish p0
	//    3  target=jump-p0: all                                     jump-out        jump-p0*  D
	//    4  target=jump-p0: sync                                    jump-out        jump-p0   D
	//    5  bypass=nop: all                                         nop*            jump-p0   B
	//    6  bypass=nop: sync                                        nop             jump-p0   B
	//    7  install key 0: returns
	//    8                               enters
	//    9                               bypass nop: unwinds
	//   10  remove key 0: called
	//   11  publish nothing
	//   12  bypass=jump-out: all                                    jump-out*       jump-p0   D
	//   13  bypass=jump-out: sync                                   jump-out        jump-p0   D
	//   14  target=nop: all                                         jump-out        nop*      C
	//   15                               target nop: falls through
	// violates never-a: the thread unwound its frame, met a cleared target and goes on in the caller
}
