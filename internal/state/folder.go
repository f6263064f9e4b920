package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The names in a folder. Bundles is a folder too.
const (
	journalName = "journal.jsonl"
	lockName    = "lock"
	Bundles     = "bundles"
)

// A Folder is a state that this process alone may write.
type Folder struct {
	Dir string
	Sum
	journal, lock *os.File
	size          int64 // of the journal: all lines are whole up to here
}

// BusyError says that another process soaks on a folder.
type BusyError struct{ Dir, Process string }

// Error says which one.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%s: process %s soaks there", e.Dir, e.Process)
}

// Open makes a folder, or goes on with one, and keeps others from writing it. Nothing is written
// before check, if set, has agreed with the head that stands there; of a new folder the head is what
// new returns.
func Open(dir string, fresh func() Head, check func(*Head) error) (*Folder, error) {
	if err := os.MkdirAll(filepath.Join(dir, Bundles), 0o755); err != nil {
		return nil, err
	}
	f := &Folder{Dir: dir}
	if err := f.open(fresh, check); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Folder) open(fresh func() Head, check func(*Head) error) error {
	if err := f.take(); err != nil {
		return err
	}
	path := filepath.Join(f.Dir, journalName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		line, err := json.Marshal(Record{Head: new(fresh())})
		if err != nil {
			return err
		}
		if err := WriteWhole(path, append(line, '\n')); err != nil {
			return err
		}
	}
	var err error
	if f.journal, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if f.size, err = f.read(path, text); err != nil {
		return err
	}
	if err := check(f.Head); err != nil {
		return err
	}
	parts, _ := filepath.Glob(filepath.Join(f.Dir, Bundles, "*"+partial)) // fails on a malformed pattern alone
	for _, p := range parts {
		if err := os.Remove(p); err != nil {
			return err
		}
	}
	return f.cut()
}

// take takes the lock, which ends with the process however that ends.
func (f *Folder) take() (err error) {
	if f.lock, err = os.OpenFile(filepath.Join(f.Dir, lockName), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return err
	}
	if err := syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return &fs.PathError{Op: "lock", Path: f.lock.Name(), Err: err}
		}
		text, _ := os.ReadFile(f.lock.Name()) // it is for people
		return &BusyError{f.Dir, strings.TrimSpace(string(text))}
	}
	if err := f.lock.Truncate(0); err != nil {
		return err
	}
	_, err = fmt.Fprintln(f.lock, os.Getpid())
	return err
}

// cut takes off what follows the last whole line.
func (f *Folder) cut() error {
	if err := f.journal.Truncate(f.size); err != nil {
		return err
	}
	_, err := f.journal.Seek(f.size, 0)
	return err
}

// Append has records on the disk when it returns. After an error the journal is as it was before.
func (f *Folder) Append(records ...Record) error {
	var b bytes.Buffer
	for _, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	}
	if err := f.there(); err != nil {
		return err
	}
	_, err := f.journal.Write(b.Bytes())
	if err == nil {
		err = f.journal.Sync()
	}
	if err != nil {
		// Where even that fails, the next one to open the folder cuts it.
		_ = f.cut()
		return err
	}
	f.size += int64(b.Len())
	for _, r := range records {
		f.Add(r)
	}
	return nil
}

// there refuses to write to a journal that has no name any more: nobody would ever read it.
func (f *Folder) there() error {
	own, err := f.journal.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Stat(f.journal.Name()); err != nil || !os.SameFile(own, now) {
		return fmt.Errorf("%s: the journal of this soak is not there any more", f.journal.Name())
	}
	return nil
}

// Close lets others have the folder.
func (f *Folder) Close() {
	if f.journal != nil {
		f.journal.Close()
	}
	if f.lock != nil {
		f.lock.Close()
	}
}

// Read reads a folder, also while a soak writes it.
func Read(dir string) (*Sum, error) {
	path := filepath.Join(dir, journalName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no state of a soak", dir)
	}
	if err != nil {
		return nil, err
	}
	s := &Sum{}
	_, err = s.read(path, text)
	return s, err
}

// read takes all lines, and returns where the last one ends that is whole. What a line says that is
// not whole was never told to anybody: a process that dies while it writes leaves one, and a system
// that does may leave zeros. But if a good line follows a bad one, somebody has edited the file.
func (s *Sum) read(path string, text []byte) (size int64, err error) {
	number, bad := 0, error(nil)
	for at := int64(0); at < int64(len(text)); {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			break
		}
		number++
		line := text[at : at+int64(n)]
		at += int64(n) + 1
		switch {
		case bad != nil && json.Valid(line):
			return 0, bad
		case bad == nil:
			if err := s.line(line); err != nil {
				bad = fmt.Errorf("%s:%d: %w", path, number, err)
			} else {
				size = at
			}
		}
	}
	if s.Head == nil {
		if bad == nil {
			bad = fmt.Errorf("%s: it has no head", path)
		}
		return 0, bad
	}
	return size, nil
}

// partial ends the names of files that are not whole yet. Nobody reads them.
const partial = ".part"

// WriteWhole writes a file whole or not at all, whatever ends the process or the machine.
func WriteWhole(path string, content []byte) error {
	part := path + partial
	file, err := os.Create(part)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
