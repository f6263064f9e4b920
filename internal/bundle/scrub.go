package bundle

import (
	"bytes"
	"cmp"
	"os"
	"os/user"
	"regexp"
	"slices"
	"strings"
)

// A Scrubber takes out of texts what they say of the machine and of its user: its name and theirs,
// folders, addresses of the network, and addresses of memory, by which the layout of a process or of
// a kernel is known.
type Scrubber struct{ names []string }

// minName is the shortest name that is taken out: a shorter one stands in other words too.
const minName = 4

// Here knows the names of this machine.
func Here() *Scrubber {
	s := &Scrubber{}
	add := func(names ...string) {
		for _, n := range names {
			if len(n) >= minName && !slices.Contains(s.names, n) && n != "root" && n != "localhost" {
				s.names = append(s.names, n)
			}
		}
	}
	host, _ := os.Hostname() // what is not known is not written
	short, _, _ := strings.Cut(host, ".")
	add(host, short)
	if u, err := user.Current(); err == nil {
		add(u.Username, u.Name)
	}
	add(os.Getenv("USER"), os.Getenv("LOGNAME"))
	slices.SortStableFunc(s.names, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return s
}

var (
	// paths are absolute, of two names or more. What is below /proc and /sys says nothing.
	paths     = regexp.MustCompile(`(?:/[A-Za-z0-9._@+~,%-]+)+/([A-Za-z0-9._@+~,%-]+)`)
	addresses = regexp.MustCompile(`\b(?:0x)?[0-9a-f]{9,16}\b`)
	networks  = regexp.MustCompile(`\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b|\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b`)
)

// Text takes out of a text what it says of the machine.
func (s *Scrubber) Text(text string) string {
	text = paths.ReplaceAllStringFunc(text, func(p string) string {
		if strings.HasPrefix(p, "/proc/") || strings.HasPrefix(p, "/sys/") {
			return p
		}
		return p[strings.LastIndexByte(p, '/')+1:]
	})
	text = networks.ReplaceAllString(text, "(address)")
	text = addresses.ReplaceAllStringFunc(text, func(a string) string {
		if !isAddress(strings.TrimPrefix(a, "0x")) {
			return a
		}
		return "(address)"
	})
	for _, n := range s.names {
		text = strings.ReplaceAll(text, n, "(name)")
	}
	return text
}

// isAddress reports whether digits are an address of a process or of a kernel on a 64-bit machine, and
// not a constant of a program: what lies in neither half is none.
func isAddress(digits string) bool {
	digits = strings.TrimLeft(digits, "0")
	switch {
	case len(digits) == 16:
		return strings.HasPrefix(digits, "ffff")
	case len(digits) > 12:
		return false
	case len(digits) == 12:
		return digits[0] < '8'
	}
	return len(digits) > 8
}

// objectPaths are those in an object file, which its compiler wrote there.
var objectPaths = regexp.MustCompile(`(?:/[A-Za-z0-9._@+~-]+)+/`)

// Object hides the folders in an object file. It stays as long as it is, so that what refers to its
// texts still finds them.
func (s *Scrubber) Object(object []byte) []byte {
	out := objectPaths.ReplaceAllFunc(object, func(p []byte) []byte { return bytes.Repeat([]byte("_"), len(p)) })
	for _, n := range s.names {
		out = bytes.ReplaceAll(out, []byte(n), bytes.Repeat([]byte("_"), len(n)))
	}
	return out
}

// Apply takes out of a bundle what it says of the machine. The machine code stays, and so does what
// was compiled of the job.
func (s *Scrubber) Apply(b *Bundle) {
	f := &b.Finding
	f.Text, f.Again, b.Again = s.Text(f.Text), s.Text(f.Again), s.Text(b.Again)
	f.Log = slices.Clone(f.Log)
	for i, line := range f.Log {
		f.Log[i] = s.Text(line)
	}
	if b.Guest != nil {
		guest := *b.Guest
		guest.Image, guest.Append = s.Text(guest.Image), s.Text(guest.Append)
		b.Guest = &guest
	}
	if b.Subject != nil {
		subject := *b.Subject
		subject.Object = s.Text(subject.Object)
		b.Subject = &subject
	}
	for name, content := range b.Files {
		if name == Log || name == Script || name == Shrunk {
			b.Files[name] = []byte(s.Text(string(content)))
		}
	}
}
