package protocol

import "testing"

// TestWithin: every number of a shape has bounds, and so has the sum of the sites.
func TestWithin(t *testing.T) {
	most := Shape{Threads: 3, Sites: 4, Programs: 2, Keys: 2, Copies: 1, Mutators: 2, Maps: 2}
	least := Shape{Threads: 1, Sites: 1, Programs: 1, Keys: 1}
	for _, c := range []struct {
		want string
		edit func(s *Shape)
	}{
		{"", func(s *Shape) {}},
		{"", func(s *Shape) { *s = most; s.Copies = 0 }},
		{"", func(s *Shape) { s.Sites, s.Copies = 2, 1 }},
		{"", func(s *Shape) { s.Sites, s.Programs, s.Deep = 2, 2, true }},
		{"0 threads, not between 1 and 3", func(s *Shape) { s.Threads = 0 }},
		{"4 threads, not between 1 and 3", func(s *Shape) { s.Threads = 4 }},
		{"0 sites, not between 1 and 4", func(s *Shape) { s.Sites = 0 }},
		{"5 sites, not between 1 and 4", func(s *Shape) { s.Sites = 5 }},
		{"0 programs, not between 1 and 2", func(s *Shape) { s.Programs = 0 }},
		{"3 programs, not between 1 and 2", func(s *Shape) { s.Programs = 3 }},
		{"0 keys, not between 1 and 2", func(s *Shape) { s.Keys = 0 }},
		{"3 keys, not between 1 and 2", func(s *Shape) { s.Keys = 3 }},
		{"-1 copies, not between 0 and 1", func(s *Shape) { s.Copies = -1 }},
		{"2 copies, not between 0 and 1", func(s *Shape) { s.Copies = 2 }},
		{"-1 maps, not between 0 and 2", func(s *Shape) { s.Maps = -1 }},
		{"3 maps, not between 0 and 2", func(s *Shape) { s.Maps = 3 }},
		{"3 mutators, not between 0 and 2", func(s *Shape) { s.Mutators = 3 }},
		{"6 sites, counting those of copies and programs, not between 1 and 4",
			func(s *Shape) { s.Sites, s.Copies = 3, 1 }},
		{"7 sites, counting those of copies and programs, not between 1 and 4",
			func(s *Shape) { s.Sites, s.Keys, s.Programs, s.Deep = 3, 2, 2, true }},
	} {
		s := least
		c.edit(&s)
		if err := s.Within(most); err == nil && c.want != "" || err != nil && err.Error() != c.want {
			t.Errorf("%+v: error %v, want %s", s, err, c.want)
		}
	}
}
