package vm

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
)

// Where a bzImage says what it is: Documentation/arch/x86/boot.rst of the kernel.
const (
	bootMagicAt   = 0x202
	bootMagic     = "HdrS"
	bootVersionAt = 0x20e // a pointer to a text, less 0x200
	bootBase      = 0x200
	bootHeaderMax = 1 << 16 // the text is in the real-mode part
)

// Version reads what a kernel image says of itself: its release, and who built it when. The error
// says that the file is no image of an x86 kernel.
func Version(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: not a regular file", path)
	}
	head, err := io.ReadAll(io.LimitReader(f, bootHeaderMax))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if len(head) < bootVersionAt+2 || string(head[bootMagicAt:bootMagicAt+len(bootMagic)]) != bootMagic {
		return "", fmt.Errorf("%s: no kernel image for x86: a bzImage, as arch/x86/boot/bzImage or vmlinuz, has %q at %#x", path, bootMagic, bootMagicAt)
	}
	at := int(binary.LittleEndian.Uint16(head[bootVersionAt:])) + bootBase
	if at == bootBase || at >= len(head) {
		return "", fmt.Errorf("%s: a kernel image that does not say its version", path)
	}
	text, _, _ := strings.Cut(string(head[at:]), "\x00")
	return text, nil
}
