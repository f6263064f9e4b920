package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailpoke/internal/bundle"
	"tailpoke/internal/vm"
	"tailpoke/stress/report"
)

// TestGuestBundle: what is known of a kernel that went wrong is kept, with what was judged.
func TestGuestBundle(t *testing.T) {
	r := &vm.Result{
		Guest: report.Guest{Image: "/boot/somewhere/bzImage", Emulator: "QEMU", Accel: "tcg,thread=single"},
		Fault: &vm.Fault{Kind: "crash", Line: "kernel BUG at kernel/bpf/arraymap.c:981!", During: "update", Log: []string{"RIP: 0010:ffffffff81234567"}},
	}
	file := filepath.Join(t.TempDir(), "oops.zip")
	m := &machine{bundle: file}
	m.drawn, m.again = "0x2a", "stress vm --kernel /boot/somewhere/bzImage -- run --sites 1 --seed 0x2a"
	if err := m.keep(r.Document(), []string{"run", "--engine", "kernel", "--sites", "1"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	f := b.Finding
	if f.Kind != report.OfKernel || f.Property != "kernel-lives" || b.Seed != "0x2a" || b.Subject.Sites != 1 || b.Job == nil || b.Guest.Image != "bzImage" {
		t.Errorf("%+v", b)
	}
	if all := b.Again + string(b.Files[bundle.Log]); strings.Contains(all, "somewhere") || strings.Contains(all, "81234567") || !strings.Contains(all, "RIP") {
		t.Errorf("%q", all)
	}
}
