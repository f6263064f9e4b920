package guest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Main is the whole life of a guest's first process, if this is one; else it returns.
func Main() {
	if os.Getpid() != 1 {
		return
	}
	if _, err := os.Stat(JobPath); err != nil {
		return
	}
	i := &first{}
	if err := i.run(); err != nil {
		i.fail(err)
		fmt.Println("tailpoke:", err)
	}
	restart()
}

// restart ends the machine: the emulator is told not to begin anew. A first process must not return,
// which the kernel would take for a crash.
func restart() {
	unix.Sync()
	for {
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
		time.Sleep(time.Second)
	}
}

// first is the first process.
type first struct {
	mu    sync.Mutex // a frame is written whole
	link  *os.File
	lines bool // the link is the verb's: [Job.Lines]
}

// beat is how often the first process says that it still runs.
const beat = time.Second

// settle is how long the kernel has, after the verb, to free what it held: some of that is done
// later, and can go wrong as well.
const settle = 300 * time.Millisecond

func (i *first) run() error {
	if err := mount(); err != nil {
		return err
	}
	var err error
	if i.link, err = openLink(); err != nil {
		return err
	}
	job, err := readJob()
	if err != nil {
		return err
	}
	settings()
	if i.lines = job.Lines; i.lines {
		return i.speak(job)
	}
	i.say(Ready, []byte(release()))
	go func() {
		for range time.Tick(beat) {
			i.say(Beat, nil)
		}
	}()
	before := map[string]time.Time{}
	for _, name := range job.Files {
		before[name] = changed(name)
	}
	code, err := i.verb(job)
	if err != nil {
		return err
	}
	for _, name := range job.Files {
		if err := i.giveBack(name, before[name]); err != nil {
			return err
		}
	}
	time.Sleep(settle)
	i.say(Exit, strconv.AppendInt(nil, int64(code), 10))
	return unix.IoctlSetInt(int(i.link.Fd()), unix.TCSBRK, 1) // until all is sent
}

// speak runs a verb to which the link belongs.
func (i *first) speak(j *Job) error {
	code, err := i.start(j, []*os.File{i.link, i.link, os.Stderr}, func(*os.Process) {})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(i.link, "\n%s%d\n", LineExit, code)
	return err
}

// fail says why the first process could not do its work.
func (i *first) fail(err error) {
	if i.lines && i.link != nil {
		fmt.Fprintf(i.link, "\n%s%s\n", LineFault, strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	i.say(Fault, []byte(err.Error()))
}

// say writes a frame. Where that fails there is nobody to tell.
func (i *first) say(k Kind, data []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.link != nil {
		_ = WriteFrame(i.link, k, data)
	}
}

func readJob() (*Job, error) {
	text, err := os.ReadFile(JobPath)
	if err != nil {
		return nil, err
	}
	j := new(Job)
	return j, json.Unmarshal(text, j)
}

// verb runs the command, hands on what it says, and returns its exit code.
func (i *first) verb(j *Job) (int, error) {
	stdin, err := os.Open(orNull(j.Stdin))
	if err != nil {
		return 0, err
	}
	out, outEnd, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	log, logEnd, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	var copies sync.WaitGroup
	code, err := i.start(j, []*os.File{stdin, outEnd, logEnd}, func(p *os.Process) {
		outEnd.Close()
		logEnd.Close()
		copies.Go(func() { i.handOn(Out, out) })
		copies.Go(func() { i.handOn(Err, log) })
		go i.signals(p)
	})
	// What the verb started and left behind may hold the pipes open for ever.
	late := time.AfterFunc(5*time.Second, func() { out.Close(); log.Close() })
	copies.Wait()
	late.Stop()
	return code, err
}

// start runs the command with these files, and returns its exit code.
func (i *first) start(j *Job, files []*os.File, begun func(*os.Process)) (int, error) {
	how, err := json.Marshal(j.How)
	if err != nil {
		return 0, err
	}
	vars := []string{env + "=" + string(how), "PATH=/bin:/usr/bin", "HOME=/", "TMPDIR=/tmp"}
	p, err := os.StartProcess(os.Args[0], append([]string{"stress"}, j.Args...),
		&os.ProcAttr{Dir: j.Dir, Env: vars, Files: files})
	if err != nil {
		return 0, err
	}
	begun(p)
	return reap(p.Pid)
}

func orNull(name string) string {
	if name == "" {
		return os.DevNull
	}
	return name
}

// reap waits for a process, and for all others that end before: orphans become the first process's.
func reap(pid int) (int, error) {
	for {
		var s unix.WaitStatus
		got, err := unix.Wait4(-1, &s, 0, nil)
		switch {
		case err == unix.EINTR || err == nil && got != pid:
		case err != nil:
			return 0, fmt.Errorf("wait for the verb: %w", err)
		case s.Signaled():
			return 128 + int(s.Signal()), nil
		default:
			return s.ExitStatus(), nil
		}
	}
}

// handOn sends what comes from a pipe.
func (i *first) handOn(k Kind, from io.Reader) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			i.say(k, buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// signals passes signals from the host on.
func (i *first) signals(p *os.Process) {
	var b [1]byte
	for {
		if _, err := i.link.Read(b[:]); err != nil {
			return
		}
		_ = p.Signal(unix.Signal(b[0]))
	}
}

// changed is when a file was written last, or the zero time.
func changed(name string) time.Time {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return time.Time{}
	}
	return info.ModTime()
}

// giveBack sends a file that was written since.
func (i *first) giveBack(name string, before time.Time) error {
	if now := changed(name); now.IsZero() || now.Equal(before) {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text, err := json.Marshal(File{filepath.Clean(name), data})
	if err != nil {
		return err
	}
	if len(text) > maxFrame {
		return fmt.Errorf("%s: %d bytes are more than a guest gives back", name, len(data))
	}
	i.say(Wrote, text)
	return nil
}
