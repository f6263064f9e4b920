package affected

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

func pokeRace() Fault {
	return Fault{
		Name: "poke-race", Origin: "4b7de801606e", Versions: "5.10 to 6.6", Race: true, Endangers: true,
		Shown: "5.10.262 ends within seconds by a kernel BUG in prog_array_map_poke_run",
		Says: "an update that meets the load of a caller leaves a site out, and the next one does not " +
			"find there what it expects",
		ask: askPokeRace,
	}
}

// The race is between an update and the time in which a caller is compiled and not yet known by its
// name. Functions that are compiled after the one with the site make that time longer. A caller
// then stays for a while: the next update finds what that one left.
const (
	fillers     = 8
	fillerInsns = 200
	stays       = 4
	// removeEvery: an update waits for nothing, and a removal for a grace period of each site.
	removeEvery = 512
	// enough loads say something.
	enough = 30
)

// A race is what was tried.
type race struct {
	loads   uint64
	beside  uint64 // of these, while at least one update or removal was carried out
	updates atomic.Uint64
}

func askPokeRace(b *bench) finding {
	array := b.array(1)
	var targets [2]*ebpf.Program
	for i := range targets {
		targets[i] = b.load(packets("target", returning(int32(i))))
	}
	r, stop := &race{}, make(chan struct{})
	var wg sync.WaitGroup
	var updateErr error
	wg.Go(func() { updateErr = r.update(array, targets, stop) })
	err := r.load(array, b)
	close(stop)
	wg.Wait()
	b.must(errors.Join(err, updateErr))
	return judgePokeRace(r.loads, r.beside, r.updates.Load())
}

// update gives the key one program after the other, and now and then none.
func (r *race) update(array *ebpf.Map, targets [2]*ebpf.Program, stop <-chan struct{}) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		var err error
		if n%removeEvery == removeEvery-1 {
			err = array.Delete(uint32(0))
		} else {
			err = array.Put(uint32(0), targets[n%2])
		}
		if err != nil {
			return fmt.Errorf("update: %w", err)
		}
		r.updates.Add(1)
	}
}

// load loads callers until the time is over, with a function and without, and lets the oldest go.
func (r *race) load(array *ebpf.Map, b *bench) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	specs := callers(array)
	var loaded [stays]*ebpf.Program
	defer func() {
		for _, p := range loaded {
			_ = p.Close() // nothing can be said against it, nor of one that is nil
		}
	}()
	for end := time.Now().Add(b.race); time.Now().Before(end) && !live.IsDone(b.done); r.loads++ {
		before := r.updates.Load()
		p, err := ebpf.NewProgram(specs[r.loads%2])
		if err != nil {
			return err
		}
		if r.updates.Load() > before {
			r.beside++
		}
		oldest := &loaded[r.loads%stays]
		if err := (*oldest).Close(); err != nil {
			return err
		}
		*oldest = p
	}
	return nil
}

// callers are those that are loaded.
func callers(array *ebpf.Map) []*ebpf.ProgramSpec {
	return []*ebpf.ProgramSpec{
		packets("plain", tailCall(array, 0), returning(0)), packets("nested", nested(array)...),
	}
}

// nested is a caller whose site is in a function, with others after it.
func nested(array *ebpf.Map) []asm.Instructions {
	entry := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}
	parts := []asm.Instructions{nil, function("calls",
		returnsInt, btf.StaticFunc, tailCall(array, 0), returning(0))}
	for i := range fillers {
		name := fmt.Sprintf("filler%d", i)
		body := asm.Instructions{asm.Mov.Imm(asm.R0, 0)}
		for n := range fillerInsns {
			body = append(body, asm.Add.Imm(asm.R0, int32(n)))
		}
		body = append(body, asm.Return())
		parts = append(parts, function(name, returnsInt, btf.StaticFunc, body))
		entry = append(entry, asm.Call.Label(name), asm.Mov.Reg(asm.R1, asm.R6))
	}
	entry = append(entry, asm.Call.Label("calls"), asm.Return())
	parts[0] = function("entry", returnsInt, btf.GlobalFunc, entry)
	return parts
}

// judgePokeRace says what it means that the kernel lives. What did not happen in n trials happens
// less often than in 3 of n, in 95 of 100 such runs.
func judgePokeRace(loads, beside, updates uint64) finding {
	if beside < enough {
		return unclear("%d loads of a caller, %d of them beside an update: too few", loads, beside)
	}
	f := found(report.NotSeen, "the kernel outlived %d loads of a caller beside %d updates",
		beside, updates)
	f.trials = beside
	return f
}
