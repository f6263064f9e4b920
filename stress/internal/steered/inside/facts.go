package inside

import "time"

// Nap is how long a sleep of the order rest takes, of the guest's time.
const Nap = 5 * time.Millisecond

// Verb is what the command is called with in a guest to be this package: [Serve].
const Verb = "steered-guest"

// Facts are where everything lies in the guest's kernel.
type Facts struct {
	Release string            `json:"release"`
	CPUs    int               `json:"cpus"`
	Symbols map[string]uint64 `json:"symbols"` // of those in [Symbols] that the kernel has
	Ends    map[string]uint64 `json:"ends"`    // where the next function begins
	// Spins are places of executable memory with "pause; jmp" to itself, one for each thread.
	Spins   []uint64 `json:"spins"`
	Callers []Caller `json:"callers"`
	// Refused says why a caller that was asked for is not there, by its name.
	Refused map[string]string `json:"refused,omitempty"`
}

// Symbols are functions that the host looks for.
var Symbols = []string{
	"__text_poke", "prog_array_map_poke_run", "bpf_arch_poke_desc_update", "synchronize_rcu",
	"smp_call_function_many_cond",
	"asm_exc_int3", "bpf_prog_kallsyms_add",
}

// A Caller is a loaded program with one direct site, of a prog array of its own.
type Caller struct {
	Name      string    `json:"name"`
	Sleepable bool      `json:"sleepable"`
	Funcs     []Region  `json:"funcs"` // the main one first
	In        int       `json:"in"`    // the function that the site lies in
	Slots     []Slot    `json:"slots"`
	Nop       []byte    `json:"nop"`
	Programs  []Program `json:"programs"` // that the key may be given
}

// A Region is a range of addresses.
type Region struct {
	At   uint64 `json:"at"`
	Size uint64 `json:"size"`
}

// Has reports whether an address lies in the region.
func (r Region) Has(at uint64) bool { return at >= r.At && at-r.At < r.Size }

// A Slot is a slot of the caller's site.
type Slot struct {
	At  uint64 `json:"at"`
	Out uint64 `json:"out"` // where its jump leads; 0: into the program that the key holds
}

// A Program is one that a key may be given.
type Program struct {
	Region
	Landing uint64 `json:"landing"` // where tail calls enter it
}

// What an execution returns.
const (
	Skipped = 1  // it went on in its caller
	Lost    = 66 // the caller's registers are not its own any more
	Entered = 70 // and the program's number: that program ended it
)

// Callers are called by where their site lies, and by whether they are sleepable.
const (
	Entry = "entry" // the site is in the main function
	Sub   = "sub"   // it is in one that this calls
	// Sleeps is put before the name of a sleepable caller.
	Sleeps = "sleepable-"
)

// programs is how many each key may be given.
const programs = 4
