package inside

import (
	"fmt"
	"os"
	"strings"

	"tailpoke/internal/vm/guest"
)

// Serve serves the host, if this process was started for that in a guest, and ends it; else it returns.
func Serve() {
	if len(os.Args) != 2 || os.Args[1] != Verb || guest.Here() == nil {
		return
	}
	if err := Main(os.Stdin, os.Stdout); err != nil {
		fmt.Printf("%s%s\n", guest.LineFault, firstLine(err))
		os.Exit(1)
	}
	os.Exit(0)
}

// firstLine is what an error says first.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimSuffix(strings.TrimSpace(line), ":")
}
