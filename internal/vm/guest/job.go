package guest

import (
	"encoding/json"
	"os"
	"strings"
	"sync"

	"tailpoke/stress/report"
)

// JobPath is where the first process finds its [Job].
const JobPath = "/tailpoke-job.json"

// Job is what the first process is to do.
type Job struct {
	Args  []string `json:"args"`  // of the command
	Dir   string   `json:"dir"`   // where it runs
	Stdin string   `json:"stdin"` // file that it reads, or ""
	// Files are those that the verb may write, as absolute paths: what it wrote goes to the host.
	Files []string `json:"files"`
	How   How      `json:"how"`
	// Lines: the second serial port is the verb's own, which a host speaks to line by line. No frames
	// come over it. What the first process has to say is a line too: see [LineFault].
	Lines bool `json:"lines,omitempty"`
}

// LineFault begins the line of a first process that could not do its work, and LineExit that of a
// verb's end, where the port is the verb's.
const (
	LineFault = "fault "
	LineExit  = "exit "
)

// How is what a verb in a guest is told about it.
type How struct {
	Guest report.Guest `json:"guest"`
	// Before is the beginning of the command line that runs a verb in such a guest again; the verb
	// comes after it.
	Before []string `json:"before"`
}

// env has [How] as JSON in the verb's process.
const env = "TAILPOKE_GUEST"

// Here says how the guest runs in which this process is, or nil outside of one.
var Here = sync.OnceValue(func() *How {
	text, ok := os.LookupEnv(env)
	if !ok {
		return nil
	}
	h := new(How)
	if json.Unmarshal([]byte(text), h) != nil {
		return nil
	}
	return h
})

// ByEmulator reports whether this process is in a guest without hardware virtualization. There an
// interrupt comes between translation blocks alone: a thread is never preempted inside of one.
func ByEmulator() bool {
	h := Here()
	return h != nil && strings.HasPrefix(h.Guest.Accel, "tcg")
}

// Stale reports whether QEMU may execute stale translations of poked text with this accelerator. What
// looks like a fault of the kernel's may then be its own.
func Stale(accel string) bool {
	return strings.HasPrefix(accel, "tcg") && !strings.Contains(accel, "thread=single")
}

// Doubted says why nothing that is seen here is laid at the kernel's door, or "".
func Doubted() string {
	h := Here()
	if h == nil || !Stale(h.Guest.Accel) {
		return ""
	}
	return Doubt(h.Guest.Accel)
}

// Doubt is what there is to say of a fault that was seen with this accelerator.
func Doubt(accel string) string {
	return "emulator: with " + accel + " QEMU may execute stale translations of poked text; ask again with thread=single"
}
