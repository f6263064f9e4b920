package model

// maxCopies bounds the copies of the caller.
const maxCopies = 2

// Images are counted from the resident one, 0, which was there before the map was used
// and stays; copy c is image 1+c. Their sites stand one behind the other: site i of the
// resident one is site i of all, and the sites of a copy look up the same keys.

func (sys *system) imageOf(site int) int  { return sys.siteImages[site] }
func (sys *system) keyOf(site int) int    { return sys.siteKeys[site] }
func (sys *system) firstOf(image int) int { return image * sys.shape.Sites }

// sitesOf lists the sites that look up a key, in tracking order. Copies are taken to
// be tracked in the order of their numbers.
func (sys *system) sitesOf(key int) []int {
	var out []int
	for i := range sys.sites {
		if sys.keyOf(i) == key {
			out = append(out, i)
		}
	}
	return out
}

// sitesOfImage lists the sites of an image.
func (sys *system) sitesOfImage(image int) []int {
	var out []int
	for i := range sys.shape.Sites {
		out = append(out, sys.firstOf(image)+i)
	}
	return out
}

// placed reports whether an image is there.
func (sys *system) placed(x *state, image int) bool {
	return image == 0 || placedField.at(image-1).of(x[sys.extra]) != 0
}

// open reports whether executions may begin in an image.
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
	return trackedField.at(image-1).of(w) != 0 && stableField.at(site-sys.shape.Sites).of(w) != 0
}

// erased is a slot whose memory was given back: no instruction, and nothing that a poke
// expects.
const erased = slot(tailMixed)<<expectShift | slot(headInt3)<<(memShift+tailBits) |
	slot(tailMixed)<<memShift | 1<<(uint32(headInt3)<<tailBits|uint32(tailMixed))

// emptySite is a site as a compiler leaves it.
func emptySite() site { return siteOf(settled(tailOut), settled(tailNop)) }

// setImage makes every site of an image w.
func (sys *system) setImage(x *state, image int, w site) {
	for _, i := range sys.sitesOfImage(image) {
		x[1+i] = w
	}
}

// siteName names a site.
func (sys *system) siteName(site int) string {
	image, i := sys.imageOf(site), site%sys.shape.Sites
	name := "site " + digit(i)
	switch {
	case image == 0:
		return name
	case sys.shape.Copies == 1:
		return "copy's " + name
	default:
		return "copy " + digit(image-1) + "'s " + name
	}
}

func (sys *system) copyName(i int) string {
	if sys.shape.Copies == 1 {
		return "the copy"
	}
	return "copy " + digit(i)
}

func digit(i int) string { return string(rune('0' + i)) }
