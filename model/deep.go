package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// Programs that have sites are images as the copies of the caller are: operations poke
// their descriptors as long as these are on the list, and memory that was given back
// holds nothing that a poke expects.
//
// A load of a program is taken whole, and so is what untracks it. Nobody executes a
// program before its load is over, and the mutex keeps operations away from each
// descriptor while that is fixed up; what is wrong with a fixup is judged on a copy of
// the caller. Two loads, or a load and operations on other keys, meet nowhere but at the
// text mutex. So the moment of the load stands for those of its steps, and all that is
// asked for is that nobody has a mutex.

// fitsDeep reports whether loads and unloads of programs may be taken whole, and takes
// note of when the list forgets a program.
func (sys *system) fitsDeep(p protocol.Protocol) error {
	if !sys.shape.Deep {
		return nil
	}
	kernel := protocol.Protocol{}.LoadSteps()
	own := p.LoadSteps()
	same := len(own) == len(kernel)
	for i := range own {
		same = same && own[i].String() == kernel[i].String()
	}
	if !same {
		return fmt.Errorf("%w: programs with sites that are loaded in another way than the kernel's", ErrUnsupported)
	}
	together := sys.shape.Mutators > 1 && (sys.mutex == protocol.MutexKey || sys.shape.Maps > 1)
	if together || sys.mutex == protocol.MutexNone {
		return fmt.Errorf("%w: programs with sites that are loaded while operations are in progress", ErrUnsupported)
	}
	untracked, gone := false, false
	for _, s := range p.UnloadSteps() {
		switch s.Kind {
		case protocol.Wait:
			// The grace period is the program's own, that of its retirement.
			if untracked || gone {
				return fmt.Errorf("%w: programs with sites whose unload waits last", ErrUnsupported)
			}
		case protocol.Untrack:
			untracked = true
			sys.late = sys.late || gone
		case protocol.Free:
			gone = true
			sys.never = sys.never || !untracked
		}
	}
	sys.never = sys.never && !sys.late
	if !gone {
		return fmt.Errorf("%w: programs with sites whose unload does not free them", ErrUnsupported)
	}
	return nil
}

// unused reports whether nobody has a mutex.
func (e *expander) unused() bool {
	for i := range e.sys.agents {
		if _, holds := e.sys.locks(&e.x, &e.sys.agents[i]); holds {
			return false
		}
	}
	return true
}

// arrives loads a program that is not there, at the address that it had.
func (e *expander) arrives(p uint64) {
	if !e.unused() || e.named(p) {
		return
	}
	y := e.from()
	y[0] = withStatus(y[0], p, loaded)
	y[e.sys.extra] = listedField.at(int(p)-1).put(y[e.sys.extra], 1)
	for _, i := range e.sys.sitesOfImage(e.sys.imageOfProgram(p)) {
		y[1+i] = emptySite()
		if q := e.sys.pointer(&e.x, e.sys.keyOf(i)); q != 0 {
			y[1+i] = siteOf(settled(tailNop), settled(tail(q)))
		}
	}
	e.found(move{moveArrive, Mutator, int8(p)}, noFault)
}

// forgets takes a program that was freed off the list, where that comes so late.
func (e *expander) forgets(p uint64) {
	y := e.from()
	listed := listedField.at(int(p) - 1)
	if !e.sys.late || listed.of(y[e.sys.extra]) == 0 || !e.unused() {
		return
	}
	y[e.sys.extra] = listed.put(y[e.sys.extra], 0)
	e.found(move{moveForgetProgram, Mutator, int8(p)}, noFault)
}

// giveBack frees a program in y. Its sites go with it, and its descriptors, unless the
// list forgets them later or never.
func (e *expander) giveBack(p uint64) {
	e.y[0] = withStatus(e.y[0], p, freed)
	if !e.sys.shape.Deep {
		return
	}
	e.sys.setImage(&e.y, e.sys.imageOfProgram(p), siteOf(erased, erased))
	if !e.sys.late && !e.sys.never {
		w := &e.y[e.sys.extra]
		*w = listedField.at(int(p)-1).put(*w, 0)
	}
}
