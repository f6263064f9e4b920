package inside

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"tailpoke/stress/internal/identity"
)

// agent is what runs in the guest.
type agent struct {
	mu      sync.Mutex // a line is written whole
	out     io.Writer
	facts   Facts
	symbols *symbols
	callers map[string]*loadedCaller
	copies  []*ebpf.Program
	mutator int // its thread
	orders  struct {
		mutator, loader chan []string
		readers         []chan []string
	}
}

// pinned says, in the environment, that the process has the last CPU.
const pinned = "TAILPOKE_PINNED"

// Main serves the host until the input ends. All threads of the process but those that are steered
// run on the last CPU.
func Main(in io.Reader, out io.Writer) error {
	if os.Getenv(pinned) == "" {
		if err := pin(cpus() - 1); err != nil {
			return err
		}
		return unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), pinned+"=1", "GOGC=off", "GOMAXPROCS=8"))
	}
	a := &agent{out: out, callers: map[string]*loadedCaller{}}
	if err := a.open(); err != nil {
		return err
	}
	a.start()
	a.say("ready")
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if order := strings.Fields(lines.Text()); len(order) > 0 {
			if err := a.obey(order); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// cpus is how many CPUs there are, whatever this thread may have.
func cpus() int {
	text, err := os.ReadFile("/sys/devices/system/cpu/present") // 0-3
	if err != nil {
		return 1
	}
	_, last, _ := strings.Cut(strings.TrimSpace(string(text)), "-")
	n, _ := strconv.Atoi(last)
	return n + 1
}

func pin(cpu int) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}

func (a *agent) say(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fmt.Fprintf(a.out, strings.ReplaceAll(format, "\n", " ")+"\n", args...)
}

// open loads everything, and finds where it lies.
func (a *agent) open() (err error) {
	f := &a.facts
	if f.CPUs = cpus(); f.CPUs < 3 {
		return fmt.Errorf("%d CPUs: a mutator, a reader and who answers need one each", f.CPUs)
	}
	if a.symbols, err = readSymbols(); err != nil {
		return err
	}
	f.Symbols, f.Ends, f.Refused = map[string]uint64{}, map[string]uint64{}, map[string]string{}
	for _, name := range Symbols {
		if at, end, ok := a.symbols.region(name); ok {
			f.Symbols[name], f.Ends[name] = at, end
		}
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	f.Release = unix.ByteSliceToString(u.Release[:])
	if f.Spins, _, err = newSpins(f.CPUs); err != nil {
		return err
	}
	compiler, err := identity.DetectCompiler()
	if err != nil {
		return err
	}
	for _, k := range kinds() {
		for _, name := range []string{Sub, Entry} {
			c, err := k.load(name, compiler)
			if err != nil {
				f.Refused[k.prefix+name] = firstLine(err)
				continue
			}
			a.callers[c.Name] = c
			f.Callers = append(f.Callers, c.Caller)
		}
	}
	return nil
}

// start starts the threads that are steered.
func (a *agent) start() {
	serve := func(cpu int, do func(order []string)) chan []string {
		orders, ready := make(chan []string, 1), make(chan struct{})
		go func() {
			if err := pin(cpu); err != nil {
				a.say("fault cpu %d: %v", cpu, err)
			}
			if cpu == 0 && a.mutator == 0 {
				a.mutator = unix.Gettid()
			}
			close(ready)
			for order := range orders {
				do(order)
			}
		}()
		<-ready
		return orders
	}
	a.orders.mutator = serve(0, func(o []string) { a.say("%s %s", o[0], errorText(a.operate(o))) })
	for cpu := 1; cpu < a.facts.CPUs-1; cpu++ {
		a.orders.readers = append(a.orders.readers, serve(cpu, a.execute))
	}
	a.orders.loader = serve(a.facts.CPUs-2, func(o []string) { a.say("load %s", errorText(a.loadAgain(o))) })
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return firstLine(err)
}

// operate carries out one operation.
func (a *agent) operate(o []string) error {
	c := a.callers[o[1]]
	if o[0] == "delete" {
		return c.array.Delete(uint32(0))
	}
	p, err := strconv.Atoi(o[2])
	if err != nil || p < 0 || p >= len(c.programs) {
		return fmt.Errorf("no program %q", o[2])
	}
	return c.array.Put(uint32(0), c.programs[p])
}

// execute executes a caller once.
func (a *agent) execute(o []string) {
	c := a.callers[o[2]]
	value, err := c.program.Run(&c.run)
	if err != nil {
		a.say("fault run: %s", firstLine(err))
		return
	}
	a.say("run %s %d", o[1], value)
}

// loadAgain loads a copy of a caller, and keeps it.
func (a *agent) loadAgain(o []string) error {
	p, err := a.callers[o[1]].again()
	a.copies = append(a.copies, p)
	return err
}

// words is how many words each order has.
var words = map[string]int{"facts": 1, "run": 3, "put": 3, "delete": 2, "load": 2, "rest": 3, "stack": 1, "name": 2}

// obey does what a line says. An order that makes no sense is answered as such, and changes nothing.
func (a *agent) obey(o []string) error {
	if words[o[0]] != len(o) || len(o) > 1 && o[0] != "rest" && o[0] != "name" && a.callers[o[len(o)-1]] == nil && a.callers[o[1]] == nil {
		a.say("fault no order %q", strings.Join(o, " "))
		return nil
	}
	switch o[0] {
	case "facts":
		text, err := json.Marshal(&a.facts)
		if err != nil {
			return err
		}
		a.say("facts %s", text)
	case "run":
		i, err := strconv.Atoi(o[1])
		if err != nil || i < 0 || i >= len(a.orders.readers) {
			a.say("fault no reader %q", o[1])
			return nil
		}
		a.orders.readers[i] <- o
	case "put", "delete":
		a.orders.mutator <- o
	case "load":
		a.orders.loader <- o
	case "rest":
		n, _ := strconv.Atoi(o[1])
		go func() {
			for range n {
				ts := unix.NsecToTimespec(int64(Nap))
				_ = unix.Nanosleep(&ts, nil)
			}
			a.say("rest %s", o[2])
		}()
	case "stack":
		a.say("stack %s", a.stack())
	case "name":
		at, _ := strconv.ParseUint(strings.TrimPrefix(o[1], "0x"), 16, 64)
		a.say("name %s", a.symbols.name(at))
	}
	return nil
}

// stack is the mutator's state and the functions that it is in, the innermost first.
func (a *agent) stack() string {
	task := fmt.Sprintf("/proc/self/task/%d/", a.mutator)
	stat, _ := os.ReadFile(task + "stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	state, _, _ := strings.Cut(rest, " ")
	text, _ := os.ReadFile(task + "stack")
	out := []string{state}
	for line := range strings.Lines(string(text)) { // [<0>] function+0x12/0x34
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		name, _, _ := strings.Cut(f[1], "+")
		out = append(out, name)
	}
	return strings.Join(out, " ")
}
