package guest

import (
	"bytes"
	"io"
	"testing"

	"tailpoke/patcher/protocol"

	"pgregory.net/rapid"
)

// TestFrames: what is written is read, frame by frame, and a stream that ends early is an error.
func TestFrames(t *testing.T) {
	kinds := []Kind{Ready, Beat, Out, Err, Wrote, Exit, Fault}
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		type frame struct {
			kind Kind
			data []byte
		}
		var all []frame
		for range rapid.IntRange(0, 5).Draw(t, "frames") {
			f := frame{rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "data")}
			all = append(all, f)
			if err := WriteFrame(&b, f.kind, f.data); err != nil {
				t.Fatal(err)
			}
		}
		whole := b.Bytes()
		r := bytes.NewReader(whole)
		for _, f := range all {
			kind, data, err := ReadFrame(r)
			if err != nil || kind != f.kind || !bytes.Equal(data, f.data) {
				t.Fatalf("%q %q %v, want %q %q", kind, data, err, f.kind, f.data)
			}
		}
		if _, _, err := ReadFrame(r); err != io.EOF {
			t.Fatalf("after the last frame: %v", err)
		}
		cut := bytes.NewReader(whole[:len(whole)-min(len(whole), 1)])
		for range all {
			if _, _, err := ReadFrame(cut); err != nil {
				return
			}
		}
		if len(all) > 0 {
			t.Fatal("a stream that ends early has all its frames")
		}
	})
}

// TestFrameBound: a claim of more than a frame may have is refused before memory is taken.
func TestFrameBound(t *testing.T) {
	if _, _, err := ReadFrame(bytes.NewReader([]byte{byte(Out), 0xff, 0xff, 0xff, 0xff})); err == nil {
		t.Error("no error")
	}
}

// TestDuring: every operation has a letter of its own, and the end has another.
func TestDuring(t *testing.T) {
	seen := map[byte]bool{Done: true}
	for kind, letter := range letters {
		if seen[letter] || During(letter) != kind.String() {
			t.Errorf("%v: %q", kind, letter)
		}
		seen[letter] = true
	}
	if len(letters) != int(protocol.OpKinds) || During(Done) != "" {
		t.Errorf("%d letters for %d operations", len(letters), protocol.OpKinds)
	}
	var none *Beacon // outside of a guest nobody listens
	none.Began(protocol.Install)
	none.Ended()
}
