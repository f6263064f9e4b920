package identity

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// probeCall learns what stands before the call of a helper: whether the counter is loaded again, from
// which depth of a stack that is no multiple of eight, and whether the depth of calls is accounted.
func (k *Compiler) probeCall() error {
	code, err := k.probe(
		asm.StoreImm(asm.R10, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.FnKtimeGetNs.Call(),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.LoadMem(asm.R3, asm.R1, 8, asm.Word), // a key that cannot be known
		asm.LoadMapPtr(asm.R2, 0).WithReference("progs"),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0), asm.Return())
	if err != nil {
		return err
	}
	_, rest, ok := bytes.Cut(code, []byte("\x48\x89\xfb")) // mov rbx, rdi
	if !ok {
		return fmt.Errorf("probe of helpers: % x", code)
	}
	reload, counters := "\x48\x8b\x85", 2 // mov rax, [rbp-x]
	if k.Layout.Counter.Calls == jit.CounterByValue {
		counters = 1
	}
	l := &k.Layout
	if l.ReloadsForHelpers = bytes.HasPrefix(rest, []byte(reload)) && len(rest) >= 7; l.ReloadsForHelpers {
		depth := -int32(binary.LittleEndian.Uint32(rest[len(reload):])) - int32(8*counters)
		l.UnroundedReload = depth%8 != 0
	}
	return nil
}

// probeShift learns whether shifts by a register use BMI2, and whether one of rcx is made as others
// are.
func (k *Compiler) probeShift() error {
	code, err := k.probe(asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), asm.LSh.Reg(asm.R0, asm.R0),
		asm.Return())
	if err != nil {
		return err
	}
	k.Layout.ShiftX = bytes.Contains(code, []byte("\xc4\xe2\xf9\xf7\xc0")) // shlx rax, rax, rax
	// R4 is rcx. By itself: later kernels see that such a shift needs neither BMI2 nor a register more.
	code, err = k.probe(asm.LoadMem(asm.R4, asm.R1, 0, asm.Word), asm.LSh.Reg(asm.R4, asm.R4),
		asm.Mov.Reg(asm.R0, asm.R4), asm.Return())
	if err != nil {
		return err
	}
	k.Layout.SavesRCX = !bytes.Contains(code, []byte("\x48\xd3\xe1")) // shl rcx, cl
	return nil
}

// probeDivide learns what a quotient saves.
func (k *Compiler) probeDivide() error {
	code, err := k.probe(asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), asm.Div.Imm(asm.R0, 7), asm.Return())
	k.Layout.OldDivide = bytes.Contains(code, []byte("\x50\x52\x49")) // push rax; push rdx; mov r11, 7
	return err
}

// probeConstant learns how a constant of 64 bits below zero is loaded.
func (k *Compiler) probeConstant() error {
	code, err := k.probe(asm.LoadImm(asm.R2, -2, asm.DWord), asm.Mov.Imm(asm.R0, 0), asm.Return())
	k.Layout.WideConstants = bytes.Contains(code, []byte("\x48\xbe\xfe\xff")) // movabs rsi, -2
	return err
}

// probeXchg learns whether an exchange has the prefix lock. Kernels before 5.12 know no exchange.
func (k *Compiler) probeXchg() error {
	code, err := k.probe(asm.Mov.Imm(asm.R0, 0), asm.StoreMem(asm.R10, -8, asm.R0, asm.DWord),
		atomic(asm.Xchg.Mem(asm.R10, asm.R0, asm.DWord, -8)), asm.Mov.Imm(asm.R0, 0), asm.Return())
	k.Layout.PlainXchg = err == nil && !bytes.Contains(code, []byte("\xf0\x48\x87")) // lock xchg
	return nil
}
