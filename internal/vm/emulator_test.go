package vm

import "testing"

// TestEmulators: flags that no processor has are the emulator's, those of an ordinary oops are not.
func TestEmulators(t *testing.T) {
	for line, want := range map[string]bool{
		"[  148.373600] RSP: 0018:ff3278780024f9d0 EFLAGS: 013e566e": true, // of a QEMU 7.2
		"[   62.149956] RSP: 0018:ff3278780024fa40 EFLAGS: 013a562a": true,
		"RSP: 0018:ffffc9000013fd98 EFLAGS: 00000044":                true, // without what is always 1
		"RSP: 0018:ffffc9000013fd98 EFLAGS: 00010246":                false,
		"RSP: 002b:000037ff6c3a6bd0 EFLAGS: 013e566e":                false, // user space's, from memory
		"RSP: 0018:ffffc9000013fd98 EFLAGS: 00050287":                false,
		"kernel BUG at kernel/bpf/arraymap.c:981!":                   false,
	} {
		if got := emulators("tcg,thread=single", []string{"Oops: double fault", line}); (got != "") != want {
			t.Errorf("%s: %q", line, got)
		}
	}
	if emulators("kvm", []string{"RSP: 0018:ff3278780024f9d0 EFLAGS: 013e566e"}) != "" {
		t.Error("hardware pushes what it has: the frame was overwritten, by the kernel")
	}
	if emulators("tcg", nil) == "" || emulators("kvm", nil) != "" {
		t.Error("several threads of the translator may execute stale code, and hardware does not")
	}
}
