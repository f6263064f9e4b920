package jit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Option is a fact that a layout's name can say after a plus, where it is not as in the name's era.
type Option struct {
	Name, Says string

	// Of a fact that holds or does not: the second is said by "no-" before the name.
	has func(*Layout) bool
	set func(l *Layout, on bool)

	// Or else of numbers, which stand after an equals sign, with slashes between them.
	numbers func(*Layout) []*uint32
	verb    string // that prints one
	most    uint32 // what one may be
}

// no is what an option begins with that takes a fact away.
const no = "no-"

// LayoutOptions are the facts that a layout's name can have after a plus.
func LayoutOptions() []Option {
	return []Option{
		{Name: "ibt", Says: "endbr64 at the start and where tail calls enter: CONFIG_X86_KERNEL_IBT, 5.18 and later",
			has: func(l *Layout) bool { return l.IBT }, set: (*Layout).setIBT},
		fact("bmi2", "shifts by a register use BMI2: 6.1 and later", func(l *Layout) *bool { return &l.ShiftX }),
		fact("oldnops", "the nop of five bytes is 66 66 66 66 90: up to 5.12, on CPUs that like it",
			func(l *Layout) *bool { return &l.OldNops }),
		fact("unrounded", "the counter is reloaded from a depth that is not rounded up: up to 5.18",
			func(l *Layout) *bool { return &l.UnroundedReload }),
		fact("reload", "the counter is reloaded before calls of helpers: up to 6.12",
			func(l *Layout) *bool { return &l.ReloadsForHelpers }),
		fact("jae", "a counter by value is compared with the limit, not with one less: 5.17 and later",
			func(l *Layout) *bool { return &l.LimitJAE }),
		fact("olddiv", "a quotient saves rax and rdx, and a product is mul r11: up to 5.15",
			func(l *Layout) *bool { return &l.OldDivide }),
		fact("wide", "a constant of 64 bits below zero is loaded by movabs: up to 6.9",
			func(l *Layout) *bool { return &l.WideConstants }),
		fact("rcx", "a shift of rcx by a register pushes rcx: up to 6.1", func(l *Layout) *bool { return &l.SavesRCX }),
		fact("xchg", "an exchange has no lock prefix: 7.0 and later", func(l *Layout) *bool { return &l.PlainXchg }),
		fact("miss", "a tail call of an empty key counts: up to 6.11", func(l *Layout) *bool { return &l.Counter.MissSpends }),
		fact("sub0", "sub and add rsp even by 0: the seed", func(l *Layout) *bool { return &l.MovesEmptyStack }),
		fact("pop", "the epilogue pops the counter: the seed", func(l *Layout) *bool { return &l.PopsCounter }),
		returns("ret-int3", "a return is ret; int3: CONFIG_MITIGATION_SLS", ReturnTrap),
		returns("ret-thunk", "a return is a jump to a thunk: retbleed=, srso=, ITS", ReturnThunk),
		jumps("jmp-int3", "an indirect site ends in jmp rcx; int3: CONFIG_MITIGATION_RETPOLINE or SLS", JumpTrap),
		jumps("jmp-lfence", "an indirect site ends in lfence; jmp rcx: spectre_v2=retpoline,lfence", JumpLfence),
		jumps("jmp-retpoline", "an indirect site ends in a retpoline of its own: up to 5.15", JumpRetpoline),
		jumps("jmp-thunk", "an indirect site ends in a jump to a thunk: retpoline, ITS", JumpThunk),
		counts("calldepth", "calls are counted, as booted with retbleed=stuff: 6.8 and later; nops where code is run", CallDepthRelative),
		counts("calldepth-fixed", "the same at a fixed address: 6.2 to 6.7", CallDepthAbsolute),
		{Name: "array", Says: "the offsets of max_entries and ptrs in struct bpf_array, and of bpf_func in struct bpf_prog",
			numbers: func(l *Layout) []*uint32 { return []*uint32{&l.ArrayMaxEntries, &l.ArrayPtrs, &l.ProgFunc} },
			verb:    "%#x", most: 1<<12 - 1},
		{Name: "short", Says: "the longest forward distance of a jump of two bytes",
			numbers: func(l *Layout) []*uint32 { return []*uint32{&l.ShortJumpMax} }, verb: "%d", most: 127},
	}
}

func fact(name, says string, at func(*Layout) *bool) Option {
	return Option{Name: name, Says: says,
		has: func(l *Layout) bool { return *at(l) },
		set: func(l *Layout, on bool) { *at(l) = on }}
}

// returns is the option of a form of return. Without it a return is plain.
func returns(name, says string, form ReturnForm) Option {
	return formOption(name, says, form, func(l *Layout) *ReturnForm { return &l.Forms.Return })
}

func jumps(name, says string, form JumpForm) Option {
	return formOption(name, says, form, func(l *Layout) *JumpForm { return &l.Forms.Jump })
}

func counts(name, says string, form CallDepth) Option {
	return formOption(name, says, form, func(l *Layout) *CallDepth { return &l.CallDepth })
}

func formOption[F ~uint8](name, says string, form F, at func(*Layout) *F) Option {
	return Option{Name: name, Says: says,
		has: func(l *Layout) bool { return *at(l) == form },
		set: func(l *Layout, on bool) {
			if *at(l) = 0; on {
				*at(l) = form
			}
		}}
}

// endbrSize is the size of endbr64 in bytes.
const endbrSize = 4

// setIBT moves everything by the first endbr64; tail calls enter at the second.
func (l *Layout) setIBT(on bool) {
	switch {
	case on && !l.IBT:
		l.AdjOff += endbrSize
	case !on && l.IBT:
		l.AdjOff -= endbrSize
	}
	l.IBT = on
}

// Example is the option as a name may say it.
func (o *Option) Example() string {
	if o.numbers != nil {
		return o.word(&V510)
	}
	return o.Name
}

// word is the option as a name says what a layout has of it.
func (o *Option) word(l *Layout) string {
	if o.numbers == nil {
		if o.has(l) {
			return o.Name
		}
		return no + o.Name
	}
	var values []string
	for _, n := range o.numbers(l) {
		values = append(values, fmt.Sprintf(o.verb, *n))
	}
	return o.Name + "=" + strings.Join(values, "/")
}

// take changes a layout as a word of a name says.
func (l *Layout) take(word string) error {
	name, values, numbered := strings.Cut(word, "=")
	on := true
	if !numbered {
		var off bool
		name, off = strings.CutPrefix(name, no)
		on = !off
	}
	all := LayoutOptions()
	i := slices.IndexFunc(all, func(o Option) bool { return o.Name == name && (o.numbers != nil) == numbered })
	switch {
	case i < 0:
		return fmt.Errorf("no option %q: there are %v", word, optionWords())
	case !numbered:
		all[i].set(l, on)
		return nil
	}
	fields, texts := all[i].numbers(l), strings.Split(values, "/")
	if len(texts) != len(fields) {
		return fmt.Errorf("option %q: want %d numbers", word, len(fields))
	}
	for f, text := range texts {
		n, err := strconv.ParseUint(text, 0, 32)
		if err != nil || n > uint64(all[i].most) {
			return fmt.Errorf("option %q: %q is not a number from 0 to %d", word, text, all[i].most)
		}
		*fields[f] = uint32(n)
	}
	if !l.offsetsFit() {
		return fmt.Errorf("option %q: want max_entries at a multiple of 4, ptrs after it at one of 8, "+
			"and bpf_func at one of 8 up to %#x", word, maxProgFunc)
	}
	return nil
}

// maxProgFunc is what the struct of a program has room for outside of a kernel.
const maxProgFunc = 0xf8

// offsetsFit says whether an array and a program can be laid out so: fields are aligned, and do not
// overlap.
func (l *Layout) offsetsFit() bool {
	return l.ArrayMaxEntries%4 == 0 && l.ArrayPtrs%8 == 0 && l.ArrayPtrs >= l.ArrayMaxEntries+4 &&
		l.ProgFunc%8 == 0 && l.ProgFunc <= maxProgFunc
}

func optionWords() (words []string) {
	for _, o := range LayoutOptions() {
		if o.numbers != nil {
			o.Name += "="
		}
		words = append(words, o.Name)
	}
	return words
}
