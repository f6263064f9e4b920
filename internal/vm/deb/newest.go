package deb

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// prefixPattern is of the beginning of a version, as a whole number of numbers.
var prefixPattern = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)

// versionPattern is of what stands for the newest kernel of a version.
var versionPattern = regexp.MustCompile(`^[0-9]+\.[0-9]+(\.[0-9]+)?$`)

// Newest is the name of the newest kernel of a version, such as "6.1" or "7": the plain one for
// amd64, neither that of clouds nor that of real time.
func (c Cache) Newest(ctx context.Context, version string) (name string, err error) {
	if !prefixPattern.MatchString(version) {
		return "", errorOf(ErrUnknown, "deb: %q is no version: want one such as 6.1", version)
	}
	a, unlock, err := c.open(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	matching := func(names []string) []string {
		return slices.DeleteFunc(kernels(names), func(n string) bool { return !plain(n, version) })
	}
	names, err := a.names(ctx, func(names []string) bool { return len(matching(names)) > 0 })
	if err != nil {
		return "", err
	}
	if found := matching(names); len(found) > 0 {
		return slices.MaxFunc(found, compare), nil
	}
	return "", errorOf(ErrUnknown, "deb: Debian has no kernel %s%s", version, hint(version+"-amd64", names))
}

// plain says whether a kernel is of a version, and for any machine. 6.12.3 is not of 6.1.
func plain(name, version string) bool {
	rest, ok := strings.CutPrefix(name, version)
	return ok && strings.HasSuffix(rest, "-amd64") && strings.Contains(".+-", rest[:1]) &&
		!strings.Contains(rest, "-cloud-") && !strings.Contains(rest, "-rt-")
}

// kernels lists the names that Fetch takes, of the packages that there are.
func kernels(packages []string) []string {
	var out []string
	for _, p := range packages {
		name, ok := strings.CutPrefix(p, "linux-image-")
		name = strings.TrimSuffix(name, "-unsigned")
		if ok && namePattern.MatchString(name) && !strings.HasSuffix(name, "-dbg") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hints is how many names a hint has.
const hints = 3

// hint names the kernels whose names are nearest to one that there is not, of these the newest.
func hint(name string, packages []string) string {
	near := kernels(packages)
	slices.SortFunc(near, func(a, b string) int {
		return cmp.Or(cmp.Compare(edits(name, a), edits(name, b)), compare(b, a))
	})
	if len(near) == 0 {
		return ""
	}
	return "; near is " + strings.Join(near[:min(hints, len(near))], ", ")
}

// edits counts the letters to insert, remove or replace to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

var runPattern = regexp.MustCompile(`[0-9]+|[^0-9]+`)

// compare orders names by their numbers: 6.1.0-9 is before 6.1.0-10.
func compare(a, b string) int {
	return slices.CompareFunc(runPattern.FindAllString(a, -1), runPattern.FindAllString(b, -1),
		func(x, y string) int {
			n, errX := strconv.Atoi(x)
			m, errY := strconv.Atoi(y)
			if errX == nil && errY == nil {
				return cmp.Compare(n, m)
			}
			return cmp.Compare(x, y)
		})
}
