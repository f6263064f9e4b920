package protocol

// The built-in protocols of tail calls.
const (
	// The kernel's order, v5.10 to today (prog_array_map_poke_run, later
	// bpf_arch_poke_desc_update).
	kernelText = `protocol kernel
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump; wait; target=nop }; retire
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
)

// How the kernel loads and unloads a copy of the calling program.
const (
	kernelLoad   = "track; each { read; target=jump; bypass=nop; stable }; open"
	kernelUnload = "wait; untrack; free"
)
