package identity

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/jit"
	"tailpoke/jit/interp"
)

// ctxSize is the size of struct __sk_buff.
const ctxSize = 192

// A family is programs that tail call one another through one map.
type family struct {
	coll  *ebpf.Collection
	progs []*jit.Program
	seed  uint64
	n     uint64
}

const familySize = 3

// newFamily writes programs, loads them into the kernel, and puts each under its number. The
// last key of the map stays empty.
func newFamily(seed, n uint64) (*family, error) {
	f := &family{seed: seed, n: n}
	spec := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{}, Programs: map[string]*ebpf.ProgramSpec{}}
	for i := range uint64(familySize) {
		name := fmt.Sprintf("p%d", i)
		insns := randomProgram(seed, familySize*n+i, predictable)
		p, err := jit.Parse(name, insns)
		if err != nil {
			return nil, fmt.Errorf("seed %#x/%d: %w", seed, n, err)
		}
		f.progs = append(f.progs, p)
		spec.Programs[name] = &ebpf.ProgramSpec{Name: name, Type: ebpf.SchedCLS, License: "GPL", Instructions: insns}
	}
	progs := sharedMaps["progs"]
	spec.Maps["progs"] = &progs
	var err error
	if f.coll, err = ebpf.NewCollection(spec); err != nil {
		return nil, fmt.Errorf("seed %#x/%d: %w: %w", seed, n, errRejected, err)
	}
	for i := range uint32(familySize) {
		if err := f.coll.Maps["progs"].Put(i, f.coll.Programs[fmt.Sprintf("p%d", i)]); err != nil {
			f.coll.Close()
			return nil, err
		}
	}
	return f, nil
}

// inKernel runs the first program.
func (f *family) inKernel(ctx []byte) (uint32, error) {
	return f.coll.Programs["p0"].Run(&ebpf.RunOptions{Data: make([]byte, 64), Context: ctx})
}

// interpreted does the same without a kernel.
func (f *family) interpreted(ctx []byte) (interp.Outcome, error) {
	return interp.Run(f.progs[0], interp.World{
		Ctx:    ctx,
		Layout: &jit.V612,
		Held: func(_ string, key uint32) []*jit.Program {
			if int(key) < len(f.progs) {
				return []*jit.Program{f.progs[key]}
			}
			return []*jit.Program{nil}
		},
		MaxEntries: func(string) uint32 { return sharedMaps["progs"].MaxEntries },
	})
}

// drawnContext draws what a test run may set of a context.
func drawnContext(r *rand.Rand) []byte {
	ctx := make([]byte, ctxSize)
	for _, off := range ctxWords {
		binary.LittleEndian.PutUint32(ctx[off:], r.Uint32()>>r.IntN(32))
	}
	return ctx
}

// agree runs the first program both ways, in a few contexts, and gives how many tail calls
// that took.
func (f *family) agree() (tails int, err error) {
	r := rand.New(rand.NewPCG(f.seed, f.n))
	for range 8 {
		ctx := drawnContext(r)
		want, err := f.interpreted(bytes.Clone(ctx))
		if err != nil {
			return 0, fmt.Errorf("seed %#x/%d: interpreter: %w", f.seed, f.n, err)
		}
		got, err := f.inKernel(ctx)
		if err != nil {
			return 0, fmt.Errorf("seed %#x/%d: kernel: %w", f.seed, f.n, err)
		}
		if got != uint32(want.R0) {
			return 0, fmt.Errorf("seed %#x/%d: kernel returns %#x, interpreter %#x by way of %v",
				f.seed, f.n, got, uint32(want.R0), want.Tails)
		}
		tails += len(want.Tails)
	}
	return tails, nil
}

// many is how many programs a test draws: so many, or, with -short, an eighth of that.
func many(n int) int {
	if testing.Short() {
		return n / 8
	}
	return n
}

// TestInterpreterAgreesWithKernel runs programs both ways. They tail call one another, directly and
// indirectly, from the entry and from functions, up to the limit.
func TestInterpreterAgreesWithKernel(t *testing.T) {
	compiler(t)
	seed, n := uint64(time.Now().UnixNano()), many(400)
	tails, rejected := 0, 0
	for i := range n {
		f, err := newFamily(seed, uint64(i))
		if errors.Is(err, errRejected) {
			rejected++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		more, err := f.agree()
		f.coll.Close()
		if err != nil {
			t.Fatal(err)
		}
		tails += more
	}
	t.Logf("seed %#x: %d families, %d tail calls, %d rejected", seed, n, tails, rejected)
	if tails == 0 {
		t.Error("nothing was compared")
	}
}

// FuzzAgreement lets the fuzzer choose the seeds: interpreter, images of all layouts, kernel.
func FuzzAgreement(f *testing.F) {
	if _, err := DetectCompiler(); err != nil {
		f.Skip(err)
	}
	f.Add(uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, seed, n uint64) {
		if err := imagesAgree(seed, n, true); err != nil {
			t.Error(err)
		}
		fam, err := newFamily(seed, n)
		if errors.Is(err, errRejected) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer fam.coll.Close()
		if _, err := fam.agree(); err != nil {
			t.Error(err)
		}
	})
}
