package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// slack is what a process may take beyond its own limit or a signal.
const slack = 10 * time.Second

// An outcome is what became of a process.
type outcome struct {
	code           int
	killed         syscall.Signal // what ended it, if no code of its own
	interrupted    bool           // a signal was sent that was not drawn
	stopped        int            // signals that were sent
	late           bool           // it had to be killed
	left           bool           // others of its group went on
	took           time.Duration
	stdout, stderr string
	cut            bool // standard output was longer than is kept
}

// run runs the command on an input, in a folder of its own.
func (in *input) run(ctx context.Context, stress, dir string) (*outcome, error) {
	if err := in.furnish(dir); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", in.script(), stress}, in.args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTRACEBACK=single")
	cmd.Env = append(cmd.Env, in.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if in.noRoot && os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// Files, not pipes: children of one that has ended may hold them.
	stdout, err := os.Create(dir + ".stdout")
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, err := os.Create(dir + ".stderr")
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	done, err := in.open(cmd, dir)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	err = cmd.Start()
	done(err == nil)
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	o := &outcome{}
	in.watch(cmd.Process.Pid, ended, o)
	<-ended
	o.took = time.Since(start)
	o.left = alive(cmd.Process.Pid)
	if o.left {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if o.code = status.ExitStatus(); status.Signaled() {
		o.killed = status.Signal()
	}
	if o.stdout, o.cut, err = beginning(dir + ".stdout"); err == nil {
		o.stderr, _, err = beginning(dir + ".stderr")
	}
	return o, errors.Join(err, ctx.Err())
}

// furnish writes what the input needs into its folder.
func (in *input) furnish(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, folder), 0o777); err != nil {
		return err
	}
	for name, data := range in.files {
		mode := os.FileMode(0o644)
		if name == secret {
			mode = 0o600
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, mode); err != nil {
			return err
		}
	}
	if in.has(fifo) {
		if err := syscall.Mkfifo(filepath.Join(dir, fifo), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// open gives the command its standard input. What it returns is called when the process was started.
func (in *input) open(cmd *exec.Cmd, dir string) (started func(bool), err error) {
	switch in.stdin {
	case empty:
		return func(bool) {}, nil
	case closed:
		return func(bool) {}, nil // the shell closes it
	case text:
		name := dir + ".stdin"
		if err := os.WriteFile(name, []byte(in.text), 0o644); err != nil {
			return nil, err
		}
		f, err := os.Open(name)
		cmd.Stdin = f
		return func(bool) { f.Close() }, err
	}
	r, w, err := os.Pipe()
	cmd.Stdin = r
	return func(ok bool) {
		r.Close()
		if in.stdin == endless && ok {
			go func() {
				block := bytes.Repeat([]byte("y\n"), 1<<14)
				for {
					if _, err := w.Write(block); err != nil { // nobody reads any more
						w.Close()
						return
					}
				}
			}()
			return
		}
		if !ok {
			w.Close()
			return
		}
		go func() { // the pipe ends with its reader, not before it
			time.Sleep(in.patient + in.limit + 3*in.slack)
			w.Close()
		}()
	}, err
}

// watch sends signals until the process has ended, the last one SIGKILL.
func (in *input) watch(pid int, ended <-chan struct{}, o *outcome) {
	wait := func(d time.Duration) bool {
		select {
		case <-ended:
			return false
		case <-time.After(d):
			return true
		}
	}
	for _, s := range in.signals {
		if !wait(s.after) {
			return
		}
		to := pid
		if s.group {
			to = -pid
		}
		if errors.Is(syscall.Kill(to, s.signal), syscall.ESRCH) {
			return
		}
		o.stopped++
	}
	if len(in.signals) == 0 && in.limit == 0 && in.patient > 0 {
		if !wait(in.patient) {
			return
		}
		syscall.Kill(pid, syscall.SIGINT)
		o.interrupted = true
		o.stopped++
	}
	if wait(in.limit + in.slack) {
		syscall.Kill(-pid, syscall.SIGKILL)
		o.late = true
	}
}

// alive reports whether a process of a group goes on, after a moment to end.
func alive(group int) bool {
	for range 20 {
		if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) || !anyRuns(group) {
			return false
		}
		time.Sleep(50 * time.Millisecond)
	}
	return true
}

// anyRuns looks through the processes of the machine: one that has ended stays in its group until
// its parent looks.
func anyRuns(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // fails on a malformed pattern alone
	for _, name := range stats {
		raw, err := os.ReadFile(name)
		if err != nil {
			continue // it ended meanwhile
		}
		_, rest, _ := strings.Cut(string(raw), ") ")
		f := strings.Fields(rest) // state, parent, group
		if len(f) > 2 && f[2] == strconv.Itoa(group) && f[0] != "Z" && f[0] != "X" {
			return true
		}
	}
	return false
}

// beginning reads the first part of a file.
func beginning(name string) (text string, cut bool, err error) {
	const most = 8 << 20
	f, err := os.Open(name)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if len(data) > most {
		data, cut = data[:most], true
	}
	return string(data), cut, err
}
