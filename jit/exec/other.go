//go:build !linux || !amd64

package exec

import "time"

// Supported reports what this machine lacks to execute and patch images.
func Supported() error { return ErrUnsupported }

// Arena is executable memory; here there is none.
type Arena struct{}

// NewArena returns [ErrUnsupported].
func NewArena(int) (*Arena, error) { return nil, ErrUnsupported }

func (*Arena) Close() error             { return ErrUnsupported }
func (*Arena) Size() int                { return 0 }
func (*Arena) Addr(Off) uint64          { return 0 }
func (*Arena) OffOf(uint64) (Off, bool) { return 0, false }
func (*Arena) Read(Off, int) []byte     { return nil }
func (*Arena) ReadInto(Off, []byte)     {}
func (*Arena) Write(Off, []byte)        {}
func (*Arena) Fill(Off, int)            {}
func (*Arena) StoreAll([]Store)         {}

// Pool is a number of threads that execute images; here there are none.
type Pool struct{}

// NewPool returns [ErrUnsupported].
func NewPool(PoolConfig) (*Pool, error) { return nil, ErrUnsupported }

func (*Pool) Close() error         { return ErrUnsupported }
func (*Pool) Start() error         { return ErrUnsupported }
func (*Pool) Stop()                {}
func (*Pool) SetEntries([]uint64)  {}
func (*Pool) SetPhase(int, uint64) {}
func (*Pool) Bad() uint64          { return 0 }
func (*Pool) Idle() bool           { return true }
func (*Pool) InGuard(uint64) bool  { return false }
func (*Pool) Counters() Counters   { return Counters{} }
func (*Pool) Anomalies() []Anomaly { return nil }
func (*Pool) NextEpoch() uint64    { return 0 }
func (*Pool) Look()                {}
func (*Pool) Readers() []Reader    { return nil }
func (*Pool) SetContext([]byte)    {}
func (*Pool) Context(int) []byte   { return nil }

func (*Pool) Looked(int) (looks, at uint64) { return 0, 0 }

func (*Pool) Run(int, time.Duration) (uint64, error) { return 0, ErrUnsupported }

// Stepper executes an instruction at a time; here there is none.
type Stepper struct{}

// Stepper returns [ErrUnsupported].
func (*Pool) Stepper(int, time.Duration) (*Stepper, error) { return nil, ErrUnsupported }

func (*Stepper) Begin(uint64) (Stop, error)       { return Stop{}, ErrUnsupported }
func (*Stepper) Step() (Stop, error)              { return Stop{}, ErrUnsupported }
func (*Stepper) Free(time.Duration) (Stop, error) { return Stop{}, ErrUnsupported }
func (*Stepper) Close()                           {}
func (*Stepper) Word(uint64) (uint64, bool)       { return 0, false }

// HelperStubSize is the size of a [HelperStub], in bytes.
const HelperStubSize = 24

// HelperStub is the machine code of a helper; here there is none.
func HelperStub(uint32) []byte { return nil }

// Reader is a thread as the grace periods see it.
type Reader struct{}

func (Reader) Epoch() uint64 { return 0 }
func (Reader) ThreadID() int { return 0 }

func BeginPoke(_, _ uint64)               {}
func EndPoke()                            {}
func Traps() TrapCounts                   { return TrapCounts{} }
func Barrier()                            {}
func SyncCore()                           {}
func SetScheduler(int, Policy, int) error { return ErrUnsupported }
func Yield()                              {}
func Sleep(time.Duration)                 {}
func ThreadID() int                       { return 0 }

// Data is memory that images read; here there is none.
type Data struct{}

// NewData returns [ErrUnsupported].
func NewData(int) (*Data, error) { return nil, ErrUnsupported }

// NewLowData returns [ErrUnsupported].
func NewLowData(int) (*Data, error) { return nil, ErrUnsupported }

func (*Data) Close() error          { return ErrUnsupported }
func (*Data) Addr(int) uint64       { return 0 }
func (*Data) At(uint64, int) []byte { return nil }
func (*Data) Store4(int, uint32)    {}
func (*Data) Store8(int, uint64)    {}
