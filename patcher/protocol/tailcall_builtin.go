package protocol

import "fmt"

// The built-in protocols of tail calls. They and the methods stand here as text: what is printed by
// "stress list" is what is parsed.
const (
	// The kernel's order, v5.10 to today (prog_array_map_poke_run, later
	// bpf_arch_poke_desc_update, which waits only when its poke answered 0).
	kernelText = `protocol kernel
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump; wait if changed; target=nop }; retire
`
	// One grace period for all descriptors of the key in place of one for each.
	batchedText = `protocol batched
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump }; wait; each { target=nop }; retire
`
	// The RFC of 2 July 2020: removal closes the bypass alone and never goes back to C.
	lazyText = `protocol lazy
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump }; retire
`
	// The kernel's order since 7.0. A sleepable program may tail call (0f0c332992b8: bpf: Allow
	// sleepable programs to use tail calls). It runs under rcu_read_lock_trace; all others run under
	// rcu_read_lock. Removal waits for synchronize_rcu alone (bpf_arch_poke_desc_update, read in
	// 7.3.4). What is replaced is freed by bpf_prog_put: a sleepable program by call_rcu_tasks_trace.
	// Such a grace period is one of RCU too (rcu_trace_implies_rcu_gp). A prog array has callers of
	// one kind, whose programs are freed for that kind (bpf_prog_map_compatible, kernel/bpf/core.c),
	// so that "retire tasks-trace" is no less than either gets.
	kernel70Text = `protocol kernel-7.0
  reader   plain: rcu, tasks-trace
  reader   sleepable: tasks-trace
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire tasks-trace
  remove   publish; each { bypass=jump; wait rcu if changed; target=nop }; retire tasks-trace
`
)

// How the kernel loads and unloads a copy of the calling program.
const (
	kernelLoad   = "track; each { read; target=jump; bypass=nop; stable }; open"
	kernelUnload = "wait; untrack; free"
)

// The built-in methods.
const (
	int3Text = `method int3
  head=int3; sync; tail; sync; head=new; sync
`
	wordText = `method word
  all; sync
`
)

// Protocols returns the built-in protocols that hold, the kernel's first.
func Protocols() []Protocol {
	return []Protocol{
		must(ParseProtocol(kernelText)), must(ParseProtocol(batchedText)), must(ParseProtocol(lazyText)),
	}
}

// FaultyProtocols returns built-in protocols that do not: what some kernels do.
func FaultyProtocols() []Protocol { return []Protocol{must(ParseProtocol(kernel70Text))} }

// AllProtocols returns those that hold, and then the others.
func AllProtocols() []Protocol { return append(Protocols(), FaultyProtocols()...) }

// Methods returns the built-in poke methods, the kernel's first.
func Methods() []Method {
	return []Method{must(ParseMethod(int3Text)), must(ParseMethod(wordText))}
}

// Graces returns the built-in grace-period flavours, the correct one first.
func Graces() []Grace {
	return []Grace{
		{Name: "epoch", Kind: GraceEpoch},
		{Name: "forget-one", Kind: GraceForget},
		{Name: "sleep", Kind: GraceSleep},
	}
}

// ModelGraces returns grace-period flavours that only the model carries out.
func ModelGraces() []Grace {
	return []Grace{
		{Name: "self", Kind: GraceSelf},
		{Name: "quiet", Kind: GraceQuiet},
		{Name: "counter", Kind: GraceCounter},
		{Name: "no-barrier", Kind: GraceNoBarrier},
	}
}

// ProtocolByName returns the built-in protocol of that name.
func ProtocolByName(name string) (Protocol, error) {
	return byName("protocol", name, AllProtocols(), func(p Protocol) string { return p.Name })
}

// MethodByName returns the built-in poke method of that name.
func MethodByName(name string) (Method, error) {
	return byName("method", name, Methods(), func(m Method) string { return m.Name })
}

// GraceByName returns the built-in grace-period flavour of that name.
func GraceByName(name string) (Grace, error) {
	return byName("grace flavour", name, Graces(), func(g Grace) string { return g.Name })
}

func byName[T any](what, name string, all []T, nameOf func(T) string) (T, error) {
	known := ""
	for _, v := range all {
		if nameOf(v) == name {
			return v, nil
		}
		known += " " + nameOf(v)
	}
	var none T
	return none, fmt.Errorf("unknown %s %q; known:%s", what, name, known)
}

// must returns what was read of a built-in text.
func must[T any](v T, err error) T {
	if err != nil {
		panic("protocol: built-in text: " + err.Error())
	}
	return v
}
