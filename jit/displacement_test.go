package jit

import "testing"

func TestSignDisplacements(t *testing.T) {
	for text, want := range map[string]string{
		"mov eax, dword ptr [rbp+0xfffffff4]":       "mov eax, dword ptr [rbp-0xc]",
		"mov eax, dword ptr [rbp+rax*8+0x80000000]": "mov eax, dword ptr [rbp+rax*8-0x80000000]",
		"mov eax, dword ptr [rbp+0x7ffffff4]":       "mov eax, dword ptr [rbp+0x7ffffff4]",
		"mov rax, 0xfffffff4":                       "mov rax, 0xfffffff4",
	} {
		if got := SignDisplacements(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
