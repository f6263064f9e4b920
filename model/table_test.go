package model

import "testing"

// TestShard drives a shard against a map, through several growths.
func TestShard(t *testing.T) {
	s := shard{words: 2}
	seen := map[[2]uint64]bool{}
	for i := range uint64(20_000) {
		key := [2]uint64{i * i % 10_007, i % 3}
		if fresh := s.insert(hash(key[:]), key[:], stateID(i)); fresh == seen[key] {
			t.Fatalf("insert %d of %v says %t", i, key, fresh)
		}
		seen[key] = true
	}
	if s.len() != len(seen) {
		t.Errorf("%d states, want %d", s.len(), len(seen))
	}
	for i := range s.len() {
		if key := [2]uint64(s.key(uint32(i))); !seen[key] {
			t.Errorf("state %d is %v, which was never inserted", i, key)
		}
	}
}

// TestShardCollisions: states of equal hash stay apart, around the end of the table too.
func TestShardCollisions(t *testing.T) {
	for _, h := range []uint64{0, 63, ^uint64(0)} {
		s := shard{words: 1}
		const n = 40 // below the first growth, which would ask for the true hashes
		for round := range 2 {
			for i := range uint64(n) {
				if fresh := s.insert(h, []uint64{i}, 0); fresh != (round == 0) {
					t.Fatalf("hash %#x, round %d: insert of %d says %t", h, round, i, fresh)
				}
			}
		}
	}
}

func TestStateID(t *testing.T) {
	for _, shard := range []int{0, 1, shards - 1} {
		for _, index := range []uint32{0, 1, maxIndex} {
			if id := idOf(shard, index); id.shard() != shard || id.index() != index {
				t.Errorf("%d, %d comes back as %d, %d", shard, index, id.shard(), id.index())
			}
		}
	}
}
