package host

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/exec"
)

const threads = 8

// runThreads has many threads execute a program for some time, which ends when during has returned.
// All that the program returns must be an outcome.
func runThreads(t *testing.T, cfg Config, outcomes []uint64, insns asm.Instructions, during func(*rig)) (*rig, exec.Counters) {
	t.Helper()
	cfg.CPUs, cfg.Seed = threads, uint64(time.Now().UnixNano())
	r := newRigOf(t, cfg, exec.PoolConfig{Threads: threads, Outcomes: outcomes})
	r.load(insns)
	if err := r.pool.Start(); err != nil {
		t.Fatal(err)
	}
	during(r)
	r.pool.Stop()
	c := r.pool.Counters()
	if c.Anomalies != 0 || c.Executions == 0 {
		t.Fatalf("counters %+v, %+v", c, r.pool.Anomalies())
	}
	for name, m := range r.host.maps {
		if m.hash != nil {
			if err := m.check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	return r, c
}

func aWhile(*rig) { time.Sleep(300 * time.Millisecond) }

// drawKey makes R7 a random number, and its lower bits the key.
func drawKey(mask int32) asm.Instructions {
	return asm.Instructions{
		asm.FnGetPrandomU32.Call(), asm.Mov.Reg(asm.R7, asm.R0),
		asm.And.Imm(asm.R0, mask), asm.StoreMem(asm.R10, keyAt, asm.R0, asm.DWord),
	}
}

// onHash calls a helper with the key and, where it takes one, the value on the stack.
func onHash(fn asm.BuiltinFunc, flags int32) asm.Instructions {
	return concat(stackAddr(asm.R2, keyAt), stackAddr(asm.R3, -24),
		asm.Instructions{mapAddr(asm.R1, "hash"), asm.Mov.Imm(asm.R4, flags), fn.Call()})
}

// TestThreadsInsertAndDelete: every key that was inserted and not deleted is there. All errors
// occur, as there are more keys than fit.
func TestThreadsInsertAndDelete(t *testing.T) {
	const deleted, missing, inserted, exists, full = 1, 2, 3, 4, 5
	returns := func(err, outcome int32) asm.Instructions {
		next := asm.Mov.Reg(asm.R0, asm.R0)
		return asm.Instructions{asm.JNE.Imm(asm.R0, err, label(outcome)), asm.Mov.Imm(asm.R0, outcome), asm.Return(), next.WithSymbol(label(outcome))}
	}
	r, c := runThreads(t, Config{Maps: map[string]MapSpec{"hash": {Kind: Hash, KeySize: 8, ValueSize: 16, MaxEntries: 5}}},
		[]uint64{deleted, missing, inserted, exists, full},
		concat(drawKey(7), store(-16, 1), store(-24, 1), asm.Instructions{asm.JSet.Imm(asm.R7, 8, "insert")},
			onHash(asm.FnMapDeleteElem, 0), returns(0, deleted), returns(-2, missing), exit(),
			asm.Instructions{asm.Mov.Reg(asm.R0, asm.R0).WithSymbol("insert")},
			onHash(asm.FnMapUpdateElem, 1), returns(0, inserted), returns(-17, exists), returns(-7, full), exit()), aWhile)
	if got, want := r.host.Map("hash").hash.used, int(c.Outcomes[inserted-1]-c.Outcomes[deleted-1]); got != want {
		t.Errorf("%d elements: %d inserted, %d deleted", got, c.Outcomes[inserted-1], c.Outcomes[deleted-1])
	}
	for i, n := range c.Outcomes {
		if n == 0 {
			t.Errorf("outcome %d never occurred: %v", i+1, c.Outcomes)
		}
	}
}

func label(n int32) string { return string(rune('a' + n)) }

// TestThreadsUpdate: a value says twice of which key it is. A caller that holds the lock, as Value
// does, finds that key and one value. An image may find another key's: between its lookup and its
// load the element may be replaced, and used again, as in the kernel. But it finds a value that was
// written, and it finds something where there always was something.
func TestThreadsUpdate(t *testing.T) {
	const keys, fine, nothing, wrong = 4, 1, 2, 3
	insns := concat(drawKey(keys-1), asm.Instructions{
		asm.LSh.Imm(asm.R0, 32), asm.Or.Reg(asm.R0, asm.R7), asm.StoreMem(asm.R10, -24, asm.R0, asm.DWord), asm.StoreMem(asm.R10, -16, asm.R0, asm.DWord)},
		onHash(asm.FnMapUpdateElem, 0), asm.Instructions{asm.JNE.Imm(asm.R0, 0, "wrong")},
		onHash(asm.FnMapLookupElem, 0), asm.Instructions{
			asm.JEq.Imm(asm.R0, 0, "nothing"), asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
			// The key is in both halves.
			asm.Mov.Reg(asm.R2, asm.R1), asm.RSh.Imm(asm.R2, 32), asm.And.Imm(asm.R1, keys-1), asm.JNE.Reg(asm.R1, asm.R2, "wrong"),
			asm.Mov.Imm(asm.R0, fine), asm.Return(),
			asm.Mov.Imm(asm.R0, nothing).WithSymbol("nothing"), asm.Return(), asm.Mov.Imm(asm.R0, wrong).WithSymbol("wrong"), asm.Return(),
		})
	looks := 0
	spec := MapSpec{Kind: Hash, KeySize: 8, ValueSize: 16, MaxEntries: keys}
	for k := range uint64(keys) {
		spec.Contents = append(spec.Contents, Pair{word(k), append(word(k<<32|k), word(k<<32|k)...)})
	}
	r, _ := runThreads(t, Config{Maps: map[string]MapSpec{"hash": spec}}, []uint64{fine}, insns, func(r *rig) {
		for stop := time.Now().Add(300 * time.Millisecond); time.Now().Before(stop) && !t.Failed(); {
			for k := range uint64(keys) {
				v := r.host.Map("hash").Value(word(k), 0)
				if v == nil || string(v[:8]) != string(v[8:]) || binary.LittleEndian.Uint64(v)>>32 != k || uint64(v[0])&(keys-1) != k {
					t.Errorf("key %d: % x", k, v)
				}
				looks++
			}
		}
	})
	if r.host.Map("hash").hash.used != keys || looks == 0 {
		t.Errorf("%d elements, %d looks", r.host.Map("hash").hash.used, looks)
	}
}

// TestThreadsCount: what threads add to values in memory, without a helper, is never lost. A
// per-CPU value belongs to one thread, which need not add atomically.
func TestThreadsCount(t *testing.T) {
	add := func(m string, insns ...asm.Instruction) asm.Instructions {
		return concat(stackAddr(asm.R2, keyAt), asm.Instructions{mapAddr(asm.R1, m), asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, "nothing")}, insns)
	}
	atomic := []asm.Instruction{asm.Mov.Imm(asm.R1, 1), asm.StoreXAdd(asm.R0, asm.R1, asm.DWord)}
	maps := threeMaps()
	maps["hash"] = MapSpec{Kind: Hash, KeySize: 8, ValueSize: 8, MaxEntries: 4}
	for k := range uint64(4) {
		s := maps["hash"]
		s.Contents = append(s.Contents, Pair{word(k), word(0)})
		maps["hash"] = s
	}
	maps["array"] = MapSpec{Kind: Array, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	maps["percpu"] = MapSpec{Kind: PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	maps["who"] = MapSpec{Kind: Array, KeySize: 4, ValueSize: 8, MaxEntries: threads}
	r, c := runThreads(t, Config{Maps: maps}, []uint64{1}, concat(drawKey(3),
		add("array", atomic...), add("hash", atomic...),
		add("percpu", asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord), asm.Add.Imm(asm.R1, 1), asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord)),
		asm.Instructions{asm.FnGetSmpProcessorId.Call(), asm.StoreMem(asm.R10, keyAt, asm.R0, asm.DWord)}, add("who", atomic...),
		asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return(), asm.Mov.Imm(asm.R0, 2).WithSymbol("nothing"), asm.Return()}), aWhile)
	for name, m := range r.host.maps {
		if name == "odd" {
			continue
		}
		sum := uint64(0)
		for k := range uint64(m.spec.MaxEntries) {
			for cpu := range m.cpus {
				v := binary.LittleEndian.Uint64(m.Value(word(k)[:m.spec.KeySize], cpu))
				sum += v
				if v == 0 && (name == "array" || name == "hash") {
					t.Errorf("%s: nothing was added to key %d", name, k)
				}
			}
		}
		if sum != c.Executions {
			t.Errorf("%s: %d in %d executions", name, sum, c.Executions)
		}
	}
	for cpu := range threads { // each thread's values are as many as its executions
		sum := uint64(0)
		for k := range uint64(4) {
			sum += binary.LittleEndian.Uint64(r.host.Map("percpu").Value(word(k)[:4], cpu))
		}
		if who := binary.LittleEndian.Uint64(r.host.Map("who").Value(word(uint64(cpu))[:4], 0)); sum != who {
			t.Errorf("cpu %d: %d in its values, %d executions", cpu, sum, who)
		}
	}
}

// TestThreadsOwnTheirValues: what a thread writes to a per-CPU array with a helper, it alone finds.
func TestThreadsOwnTheirValues(t *testing.T) {
	r, _ := runThreads(t, Config{Maps: threeMaps()}, []uint64{1}, concat(store(keyAt, 1),
		asm.Instructions{asm.FnGetSmpProcessorId.Call(), asm.Mov.Reg(asm.R7, asm.R0), asm.StoreMem(asm.R10, valueAt, asm.R0, asm.DWord)},
		stackAddr(asm.R2, keyAt), stackAddr(asm.R3, valueAt),
		asm.Instructions{mapAddr(asm.R1, "percpu"), asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call()},
		lookup("percpu", 1), asm.Instructions{
			asm.JEq.Imm(asm.R0, 0, "wrong"), asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord), asm.JNE.Reg(asm.R0, asm.R7, "wrong"),
			asm.Mov.Imm(asm.R0, 1), asm.Return(), asm.Mov.Imm(asm.R0, 2).WithSymbol("wrong"), asm.Return(),
		}), aWhile)
	for cpu := range threads {
		if got := r.host.Map("percpu").Value(word(1)[:4], cpu); string(got) != string(word(uint64(cpu))) {
			t.Errorf("cpu %d: % x", cpu, got)
		}
	}
}
