package sim

import (
	"testing"

	"golang.org/x/arch/x86/x86asm"

	"tailpoke/jit"
	"tailpoke/stress/internal/sim/x86"
)

// images are whole programs in every layout and form, with all that stands around the bodies.
func images(t testing.TB) []*jit.Image {
	t.Helper()
	var out []*jit.Image
	infos := map[string]jit.MapInfo{table: {Addr: dataAt, MaxEntries: 2}}
	for _, l := range jit.Layouts() {
		for _, p := range []*jit.Program{caller(t, 2, 2), leaf(t, "leaf", 1), hierarchy(t), indirect(t), loadsOne(t)} {
			for jump := jit.JumpPlain; jump <= jit.JumpRetpoline; jump++ {
				img, err := jit.Compile(p, jit.Options{Layout: l, Maps: infos, Forms: jit.Forms{Jump: jump, Return: jit.ReturnForm(jump % 2)}})
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, img)
			}
		}
	}
	return out
}

// TestDecodesImages finds the starts that the compiler says, and no others, and the lengths that a
// foreign decoder reads.
func TestDecodesImages(t *testing.T) {
	for _, img := range images(t) {
		at := 0
		for _, s := range img.Starts {
			if at != int(s) {
				t.Fatalf("%s: decoded up to %#x, the compiler says that %#x is a start", img.Program.Name, at, s)
			}
			i := x86.Decode(img.Code[at:])
			foreign, err := x86asm.Decode(img.Code[at:], 64)
			if err != nil || !i.Valid() || i.Size() != foreign.Len && img.Code[at] != 0xf0 { // x86asm knows the lock prefix as well
				t.Fatalf("%s+%#x: %d bytes, and %d for x86asm (%v)", img.Program.Name, at, i.Size(), foreign.Len, err)
			}
			at += i.Size()
		}
		if at != len(img.Code) {
			t.Errorf("%s: %#x bytes decoded of %#x", img.Program.Name, at, len(img.Code))
		}
	}
}
