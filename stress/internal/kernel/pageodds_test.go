package kernel

import (
	"errors"
	"testing"
)

// TestLengthened: a copy with instructions in front lies as it is foretold, and is entered and left
// as the entry is.
func TestLengthened(t *testing.T) {
	c := rig(t).withDefaults()
	l, err := open(&c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if l.compiler == nil {
		t.Skip(l.unknown)
	}
	checked := uint64(0)
	for _, pad := range []int{1, 7, padMost, padToPage(l.callers[1].img.Funcs[0].Size)} {
		for i, own := range []int{1, 0} {
			p, err := loadProgram(l.spec, l.maps.Maps, l.padded(i == 0, pad, &c))
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			img, err := l.imageOf(p, i == 0, c.Keys)
			if err != nil {
				t.Fatal(err)
			}
			want := lengthened(l.callers[i].img, own, pad)
			if len(img.Sites) != len(want.Sites) || len(img.Funcs) != len(want.Funcs) {
				t.Fatalf("%d sites in %d functions, want %d in %d", len(img.Sites), len(img.Funcs), len(want.Sites), len(want.Funcs))
			}
			far := 0 // a jump that is not short takes four bytes more
			if pad > padMost {
				far = 4
			}
			for n, s := range img.Sites {
				w := want.Sites[n]
				for j := range s.Slots {
					got, want := s.Slots[j].Addr-img.Funcs[s.Func].Addr, w.Slots[j].Addr-want.Funcs[w.Func].Addr+uint64(far)
					if got != want {
						t.Errorf("%d instructions: slot %d of site %d at %d, want %d", pad, j, n, got, want)
					}
				}
			}
			if got, want := img.Funcs[own].Size, want.Funcs[own].Size+far; got != want {
				t.Errorf("%d instructions: %d bytes, want %d", pad, got, want)
			}
			if pad > padMost && (img.Funcs[0].Size+pageSpare < page || img.Funcs[0].Size > page) && own == 0 {
				t.Errorf("%d bytes are not about a page", img.Funcs[0].Size)
			}
			v, err := p.Run(c.Input.options(l.entry.Type, 1))
			var got tally
			if i == 0 { // it counts what the entry returned
				err = errors.Join(err, readRows(l.rows, &got))
				v, checked = 7*uint32(got.counts[0]-checked), got.counts[0]
			}
			if err != nil || v != 7 {
				t.Errorf("returns %d, %v", v, err)
			}
		}
	}
}
