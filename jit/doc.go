// Package jit compiles eBPF to x86-64 in the layouts of the Linux kernel's compiler
// (arch/x86/net/bpf_jit_comp.c). Bytes in, bytes out: it maps no memory and runs nothing.
//
//	asm.Instructions --Parse--> Program --Compile--> Image
//
// It exists for the tail call whose target is patched while other CPUs run it. A call of a known
// key of a known map becomes a direct site:
//
//	           mov eax, [counter]; cmp eax, 32; ja out
//	           add eax, 1; mov [counter], eax
//	bypass     jmp out | nop5                          <- patched
//	           pop what was pushed; add rsp, depth
//	target     nop5    | jmp program+AdjOff            <- patched
//	out        ...
//
// Every other call becomes an indirect site, which reads the map as it runs. [Image].Sites says
// where the slots are. They are emitted as for an empty key (state C: bypass closed, target a
// nop). The patcher makes them live.
//
// A [Layout] is an era of the kernel: where a tail call enters, how it is counted, what the
// prologue and the epilogue do. Everything else is the same in all of them: bodies use the
// instructions that recent kernels choose, but where a layout says otherwise. What a kernel
// chooses by its CPU is in the layout too (endbr64, [Forms]), so that images can be compared with those
// of the running one. Package stress/internal/identity finds them identical. [LayoutByName] makes a
// layout of a name, and [Layout.String] the shortest name of a layout.
//
// The instruction set is that of RFC 9669, v4 included, with the acquiring loads and the
// releasing stores of later kernels. A call may go through a register that holds the address of
// a function (0x8d, the register in the destination field). The RFC has no such call, and no
// verifier accepts it. The loads from packets that came from cBPF call a helper.
//
// A call is direct if constants and map addresses, followed forward through the function and
// joined where paths meet, give one map and one key in that map's range. The kernel's verifier
// knows more: what a comparison says of a register, what a caller passes. So it may find a call
// direct that is indirect here, but never the other way round.
//
// What holds for an image:
//
//   - Starts lists every instruction; decoding in sequence meets exactly these.
//   - A site's slots are SlotSize bytes, one instruction each in either state.
//   - BypassAddr is TailcallTarget + SlotSize, and the bypass jumps there.
//   - The function Funcs[i] is Program.Funcs[i]; no bytes stand between functions.
//   - Nothing but the calls of helpers depends on where the image will lie, unless
//     Options.FuncAddrs says where. The addresses of maps are those of Options.Maps.
//   - Refs lists every operand that is an address.
//
// [Parse] takes the verifier's place as far as the safety of the image itself goes: control stays
// within functions, and the stack within its bounds. It does not follow addresses once they are
// stored or passed on, and does not check other memory at all. A program that reads through a
// wild pointer compiles, and faults; interpreting it first (package jit/interp) tells. Input that
// is not a valid program gets an error that names the instruction.
//
// A verifier also rewrites, and Parse does not: it removes no dead code and converts no access to
// a context. Two things are compiled as a verifier rewrites them: a lookup in an array, which
// needs no call, and a load from the packet. [ParseTranslated] reads what a verifier has
// rewritten. Such a program compiles as in the kernel, and cannot be run.
//
// [Helpers] lists the functions outside of the program that it may call. Once the image has its
// place, its calls must be pointed at them, by Refs. Package jit/host has them for images that
// run outside of the kernel.
package jit
