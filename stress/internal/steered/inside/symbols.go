package inside

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// symbols are the kernel's functions, by address.
type symbols struct {
	at    []uint64
	names []string
}

func readSymbols() (*symbols, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	type symbol struct {
		at   uint64
		name string
	}
	var all []symbol
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		addr, rest, _ := strings.Cut(lines.Text(), " ")
		kind, name, _ := strings.Cut(rest, " ")
		if !strings.EqualFold(kind, "t") || strings.Contains(name, "\t") { // of no module
			continue
		}
		if at, err := strconv.ParseUint(addr, 16, 64); err == nil && at != 0 {
			all = append(all, symbol{at, strings.Clone(name)})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("/proc/kallsyms shows no addresses")
	}
	slices.SortStableFunc(all, func(a, b symbol) int { return cmp.Compare(a.at, b.at) })
	s := &symbols{}
	for _, x := range all {
		s.at, s.names = append(s.at, x.at), append(s.names, x.name)
	}
	return s, lines.Err()
}

// region is where a function lies.
func (s *symbols) region(name string) (at, end uint64, ok bool) {
	i := slices.Index(s.names, name)
	if i < 0 {
		return 0, 0, false
	}
	at = s.at[i]
	for _, next := range s.at[i:] {
		if next > at {
			return at, next, true
		}
	}
	return at, at + 1, true
}

// name is the function that an address lies in, with the offset.
func (s *symbols) name(at uint64) string {
	i, exact := slices.BinarySearch(s.at, at)
	if !exact {
		i--
	}
	if i < 0 || at-s.at[i] > 1<<20 {
		return fmt.Sprintf("%#x", at)
	}
	return fmt.Sprintf("%s+%#x", s.names[i], at-s.at[i])
}
