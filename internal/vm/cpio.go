package vm

import (
	"bytes"
	"fmt"
	"path"
)

// archive is an initramfs: a cpio archive of the kind "newc", as the kernel unpacks it
// (Documentation/driver-api/early-userspace/buffer-format.rst). Not compressed: an emulated CPU
// takes longer to unpack it than it takes to copy it.
type archive struct {
	b    bytes.Buffer
	made map[string]bool // directories
	next int             // inode
}

// The modes of what an archive has.
const (
	modeDir  = 0o040755
	modeFile = 0o100755
	modeChar = 0o020600
)

func newArchive() *archive { return &archive{made: map[string]bool{"/": true}} }

// dir adds a directory, and those above it.
func (a *archive) dir(name string) {
	name = path.Clean(name)
	if name == "." || a.made[name] {
		return
	}
	a.dir(path.Dir(name))
	a.made[name] = true
	a.entry(name, modeDir, nil, 0, 0)
}

// file adds a regular file, and the directories above it. A second one of the name is left out.
func (a *archive) file(name string, data []byte) {
	if a.made[name] {
		return
	}
	a.dir(path.Dir(name))
	a.made[name] = true
	a.entry(name, modeFile, data, 0, 0)
}

// device adds a character device.
func (a *archive) device(name string, major, minor int) {
	a.dir(path.Dir(name))
	a.entry(name, modeChar, nil, major, minor)
}

func (a *archive) entry(name string, mode int, data []byte, major, minor int) {
	name = name[min(1, len(name)-1):] // names are relative to the root
	a.next++
	fmt.Fprintf(&a.b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.next, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0)
	a.b.WriteString(name)
	a.b.WriteByte(0)
	a.pad()
	a.b.Write(data)
	a.pad()
}

// pad fills up to four bytes.
func (a *archive) pad() {
	for a.b.Len()%4 != 0 {
		a.b.WriteByte(0)
	}
}

// bytes ends the archive.
func (a *archive) bytes() []byte {
	a.entry("/TRAILER!!!", 0, nil, 0, 0)
	return a.b.Bytes()
}
