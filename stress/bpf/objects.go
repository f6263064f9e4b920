package bpf

import "embed"

// The built-in object files.
const (
	Tailcalls = "tailcalls.o"
	Hierarchy = "hierarchy.o"
)

//go:embed tailcalls.o hierarchy.o
var objects embed.FS

// Object returns the bytes of a built-in object file.
func Object(name string) []byte {
	raw, err := objects.ReadFile(name)
	if err != nil {
		panic("bpf: not built in: " + err.Error())
	}
	return raw
}
