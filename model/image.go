package model

import "tailpoke/patcher/protocol"

// maxCopies bounds the copies of the caller.
const maxCopies = 2

// Images are counted from the resident one, 0, which was there before the map was used
// and stays; copy c is image 1+c. The programs' images, if they have sites, stand after
// these, in their order. The sites of all images are counted through: site i of the
// resident one is site i of all. The sites of a copy look up the same keys; of the sites
// of a program, site k looks up key k, and no other keys have one than those of the caller:
// a key without a site stays without.

// layOutImages gives every site its image and its key.
func (sys *system) layOutImages() {
	add := func(sites int) {
		var list []int
		for i := range sites {
			sys.siteImages[sys.sites], sys.siteKeys[sys.sites] = len(sys.images), i%sys.shape.Keys
			list = append(list, sys.sites)
			sys.sites++
		}
		sys.images = append(sys.images, list)
	}
	for range 1 + sys.shape.Copies {
		add(sys.shape.Sites)
	}
	for p := 0; sys.shape.Deep && p < sys.shape.Programs; p++ {
		add(sys.shape.OwnSites())
	}
}

func (sys *system) imageOf(site int) int  { return sys.siteImages[site] }
func (sys *system) keyOf(site int) int    { return sys.siteKeys[site] }
func (sys *system) firstOf(image int) int { return sys.images[image][0] }

// programOf returns the program whose image it is, 0 for the caller's.
func (sys *system) programOf(image int) uint64 { return uint64(max(0, image-sys.shape.Copies)) }

// imageOfProgram returns the image of a program that has sites.
func (sys *system) imageOfProgram(p uint64) int { return sys.shape.Copies + int(p) }

// sitesOf lists the sites that look up a key, in tracking order. Copies are taken to
// be tracked in the order of their numbers, and so are programs, after them.
func (sys *system) sitesOf(key int) []int {
	var out []int
	for i := range sys.sites {
		if sys.keyOf(i) == key {
			out = append(out, i)
		}
	}
	return out
}

// placed reports whether an image is there.
func (sys *system) placed(x *state, image int) bool {
	if p := sys.programOf(image); p > 0 {
		return statusOf(x[0], p) != freed
	}
	return image == 0 || placedField.at(image-1).of(x[sys.extra]) != 0
}

// open reports whether executions may begin in an image of the caller.
func (sys *system) open(x *state, image int) bool {
	return image == 0 || openField.at(image-1).of(x[sys.extra]) != 0
}

// stable reports whether operations poke a site.
func (sys *system) stable(x *state, site int) bool {
	image := sys.imageOf(site)
	if image == 0 {
		return true
	}
	w := x[sys.extra]
	if p := sys.programOf(image); p > 0 {
		return listedField.at(int(p)-1).of(w) != 0
	}
	return trackedField.at(image-1).of(w) != 0 && stableField.at(site-sys.shape.Sites).of(w) != 0
}

// known reports whether the kernel takes a poke of a site by an operation.
func (sys *system) known(x *state, site int) bool {
	image := sys.imageOf(site)
	return !sys.knows || image == 0 || sys.programOf(image) > 0 || knownField.at(image-1).of(x[sys.extra]) != 0
}

// erased is a slot whose memory was given back: no instruction, and nothing that a poke
// expects.
const erased = slot(tailMixed)<<expectShift | slot(headInt3)<<(memShift+tailBits) |
	slot(tailMixed)<<memShift | 1<<(uint32(headInt3)<<tailBits|uint32(tailMixed))

// emptySite is a site as a compiler leaves it.
func emptySite() site { return siteOf(settled(tailOut), settled(tailNop)) }

// setImage makes every site of an image w.
func (sys *system) setImage(x *state, image int, w site) {
	for _, i := range sys.images[image] {
		x[1+i] = w
	}
}

// Programs that have sites are images as the copies of the caller are: operations poke
// their descriptors as long as these are on the list, and memory that was given back
// holds nothing that a poke expects.
//
// A load of a program is one step, and so is what takes it off the list:
// [protocol.Subject.Unlisting] says why.

// unused reports whether no agent has a mutex.
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
	for _, i := range e.sys.images[e.sys.imageOfProgram(p)] {
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
	if e.sys.unlist != protocol.UnlistLater || listed.of(y[e.sys.extra]) == 0 || !e.unused() {
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
	if e.sys.unlist == protocol.UnlistFirst {
		w := &e.y[e.sys.extra]
		*w = listedField.at(int(p)-1).put(*w, 0)
	}
}
