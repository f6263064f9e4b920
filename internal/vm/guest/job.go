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
}

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
