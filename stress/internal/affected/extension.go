package affected

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

// extensionFaults are those of programs that take the place of another one's function (freplace).
// Nothing is executed.
func extensionFaults() []Fault {
	return []Fault{{
		Name: "freplace-type", Origin: "1c123c567fb1", Versions: "5.6 to 6.1",
		Says: "an array that an extension calls takes no programs of the type that it extends",
		ask:  askType,
	}, {
		Name: "freplace-loop", Origin: "d6083f040d5d", Versions: "6.2 to 6.12",
		Says: "an extension may tail call the program that it extends, which loses the count: an " +
			"execution does not end",
		ask: askLoop,
	}, {
		Name: "freplace-update", Origin: "fdad456cbcca", Versions: "6.2 to 6.10", Endangers: true,
		Says: "an extension that is attached, put into an array: the kernel reads from a null pointer, " +
			"or refuses it",
		ask: askUpdate,
	}}
}

// extended is a program with a function that an extension may replace, and the extension. That tail
// calls, if there is an array.
type extended struct {
	bench     *bench
	target    *ebpf.Program
	extension *ebpf.Program
}

// changed is the function that is replaced.
const changed = "changed"

func (b *bench) extended(array *ebpf.Map) *extended {
	// A tail call may lead to what moves the packet, so that an extension with one must not take the
	// place of a function that leaves it where it is.
	moves := asm.Instructions{asm.Mov.Imm(asm.R2, 0), asm.FnSkbPullData.Call()}
	target := b.load(packets("target",
		calling(changed), function(changed, returnsInt, btf.GlobalFunc, moves, returning(0))))
	var tail asm.Instructions
	if array != nil {
		tail = tailCall(array, 0)
	}
	extension := b.load(&ebpf.ProgramSpec{
		Name: "extension", Type: ebpf.Extension, AttachTo: changed, AttachTarget: target,
		Instructions: function("extension", returnsInt, btf.GlobalFunc, tail, returning(1)),
	})
	return &extended{b, target, extension}
}

func (e *extended) attach() error {
	l, err := link.AttachFreplace(e.target, changed, e.extension)
	if err == nil {
		e.bench.later(l.Close)
	}
	return err
}

// askType puts a program that nobody extends into the array of an extension, and into one of a
// program of its own type.
func askType(b *bench) finding {
	own := b.array(1)
	b.load(packets("caller", tailCall(own, 0), returning(0)))
	array := b.array(1)
	b.extended(array)
	plain := b.load(packets("plain", returning(0)))
	return judgeType(own.Put(uint32(0), plain), array.Put(uint32(0), plain))
}

func judgeType(own, extension error) finding {
	switch {
	case own != nil:
		return unclear("an array takes no program of its caller's type: %s", errno(own))
	case extension == nil:
		return free("the array of an extension took a program of the type that it extends")
	}
	return has("the array of an extension refused a program of the type that it extends: %s",
		errno(extension))
}

// askLoop closes the loop in both orders: the target comes into the array of an extension that is
// attached, and an extension is attached to a target in its array.
func askLoop(b *bench) finding {
	plain, put, _ := b.closeLoop(true)
	_, again, attach := b.closeLoop(false)
	if again != nil { // it comes no further than the first of its two steps
		attach = again
	}
	return judgeLoop(plain, put, attach)
}

// closeLoop returns what the kernel answers to a program that nobody extends, and to the last step
// of the two: the target in the array of an attached extension, or the attachment.
func (b *bench) closeLoop(attachFirst bool) (plain, put, attach error) {
	array := b.array(1)
	e := b.extended(array)
	plain = array.Put(uint32(0), b.load(packets("plain", returning(0))))
	if attachFirst {
		b.must(e.attach())
	}
	if put = array.Put(uint32(0), e.target); put == nil && !attachFirst {
		attach = e.attach()
	}
	return plain, put, attach
}

func judgeLoop(plain, put, attach error) finding {
	switch {
	case plain != nil:
		return inapplicable("the array of an extension takes no program of the type that it extends: %s",
			errno(plain))
	case put == nil && attach == nil:
		return has("an extension's array took the program that it extends, and it was attached to one " +
			"in its array")
	case put == nil:
		return has("the array of an attached extension took the program that it extends")
	case attach == nil:
		return has("an extension was attached to a program in its array")
	}
	return free("the array of an attached extension refused the program that it extends (%s), and "+
		"so is that program first, or then the attachment (%s)",
		errno(put), errno(attach))
}

// askUpdate puts an extension into an array of the type that it extends: before it is attached,
// which is harmless, and after. A kernel that has the fault in its first form ends there.
func askUpdate(b *bench) finding {
	array := b.array(1)
	b.load(packets("caller", tailCall(array, 0), returning(0)))
	e := b.extended(nil)
	before := array.Put(uint32(0), e.extension)
	if before == nil {
		b.must(array.Delete(uint32(0)))
	}
	b.must(e.attach())
	return judgeUpdate(before, array.Put(uint32(0), e.extension))
}

func judgeUpdate(before, after error) finding {
	switch {
	case after == nil:
		return free("the array took an extension that is attached")
	case before != nil:
		return inapplicable("the array takes no extension, attached or not: %s", errno(before))
	}
	return has("the array refused an extension because it is attached: %s", errno(after))
}
