// Package vm runs verbs of the command in virtual machines, on kernels that are not this machine's.
//
// [Run] boots a kernel image under QEMU. The initramfs is the command itself, with what it is linked
// to (initramfs.go): no root file system, no shell. Package guest is what runs inside. What the verb
// says streams to the caller, and its exit code comes back. The console is read for what a kernel
// says when it dies (console.go): that is a [Fault], which is a result and no error.
//
// Without hardware virtualization QEMU translates code. That changes what a run can show:
//
//   - With threads, QEMU may execute stale translations of text that was poked: since 2019, in every
//     version tried. So the default is thread=single, and what looks like it under thread=multi
//     is laid at the emulator's door ([Fault.Emulator]). So is an oops that shows flags which no
//     processor has: QEMU 7.2 makes one now and then.
//   - An interrupt comes between translation blocks alone, so that no thread is ever preempted in
//     the window of a tail-call site, unless that lies across a page: a block ends there.
//
// The machine has no network and no disk of the host's. The host is never at risk; when this process
// ends, whatever the way, the kernel ends QEMU.
package vm
