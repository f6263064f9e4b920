package rig

import (
	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher"
)

// Image is a compiled program as the patcher takes it. Both have the same code.
func Image(img *jit.Image) *patcher.Image {
	out := &patcher.Image{Code: img.Code, Landing: patcher.Off(img.AdjOff)}
	for _, s := range img.Starts {
		out.Starts = append(out.Starts, patcher.Off(s))
	}
	for i := range img.Sites {
		s := &img.Sites[i]
		if !s.Direct {
			continue
		}
		site := patcher.Site{Array: s.Map, Key: int(s.Key)}
		for n, slot := range s.Slots() {
			site.Slots[n] = patcher.Slot{Off: patcher.Off(slot.Off), Out: patcher.Off(slot.Out)}
		}
		out.Sites = append(out.Sites, site)
	}
	for _, r := range img.Refs {
		if r.Kind == jit.RefHelper {
			out.Refs = append(out.Refs, patcher.Ref{Off: patcher.Off(r.Off), Symbol: r.Helper.String()})
		}
	}
	return out
}

// stubs are what images call for helpers: the pool's host answers.
func stubs() map[string][]byte {
	out := map[string][]byte{}
	for _, h := range jit.Helpers() {
		out[h.String()] = exec.HelperStub(uint32(h))
	}
	return out
}
