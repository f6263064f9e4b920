// Package host is what images find around them outside of the kernel: maps, helpers, a packet.
//
//	h, _ := host.New(host.Config{Layout: l, Maps: specs})
//	img, _ := jit.Compile(p, jit.Options{Layout: l, Maps: h.MapInfo()})
//	pool, _ := exec.NewPool(exec.PoolConfig{..., Host: h})
//
// An array lies in memory as the layout's kernel has it, a header and then its values, so that
// images look values up without a call, and read variables (.data, .rodata, .bss, which are
// arrays of one value) where they are. All other access to maps goes through helpers:
// the image leaves for Go and comes back (package exec). Nothing is allocated on that path.
//
// Threads are CPUs: a thread's number is what bpf_get_smp_processor_id returns, and says which
// value of a per-CPU array is its own. A thread beyond Config.CPUs is refused.
//
// A helper touches only memory that an image may touch: the thread's stack and context, values of
// maps, the packet. Given any other address it refuses, and the image has faulted. The kernel's
// verifier rules this out beforehand; here there is no verifier.
//
// Memory is shared as in the kernel: a value that two threads write at once tears, and a deleted
// element of a hash is used again while a thread may still hold its address. Helpers exclude each
// other within one map.
//
// Helpers return what the running kernel's do; the tests of stress/internal/identity compare them.
// They differ in this:
//
//   - bpf_probe_read_kernel and bpf_probe_read_user both read the image's own memory
//   - bpf_trace_printk hashes no address, knows no symbol, and refuses addresses of networks
//     (%pI4 and its like)
//   - a load from the packet at a negative offset, which in the kernel may mean a header
//     (SKF_LL_OFF, SKF_NET_OFF), finds nothing
//   - no map is read-only
//
// With Config.Any it answers everything: helpers without a model by chance and within their signatures,
// with writes where these allow some; addresses of kernel objects lead to memory in which every word is
// such an address again. Maps have elements now and then that nobody put there.
//
// Prog arrays belong to the patcher.
package host
