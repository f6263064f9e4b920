package catalogue

import (
	"fmt"
	"os"
	"strings"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/workload"
)

// Protocol finds a protocol by its name, or else reads it from a file. Without a value it is the
// default subject's; so are the others.
func Protocol(value string) (protocol.Protocol, error) {
	return byNameOrFile(value, protocol.DefaultSubject().Protocol, protocol.ProtocolByName, protocol.ParseProtocol)
}

// Method finds a poke method by its name, or else reads it from a file.
func Method(value string) (protocol.Method, error) {
	return byNameOrFile(value, protocol.DefaultSubject().Method, protocol.MethodByName, protocol.ParseMethod)
}

// Grace finds a grace-period flavour by its name.
func Grace(value string) (protocol.Grace, error) {
	if value == "" {
		return protocol.DefaultSubject().Grace, nil
	}
	return protocol.GraceByName(value)
}

// Layout checks the name of a layout, and returns it.
func Layout(value string) (string, error) {
	if value == "" {
		return protocol.DefaultSubject().Layout, nil
	}
	_, err := jit.LayoutByName(value)
	return value, err
}

// maxTextFile bounds the file of a protocol, a method or a script, in bytes.
const maxTextFile = 1 << 20

// byNameOrFile resolves a value that names a built-in or else a file with its text. An
// error in a file names its line and column.
func byNameOrFile[T any](value string, none T, byName, parse func(string) (T, error)) (T, error) {
	if value == "" {
		return none, nil
	}
	builtin, nameErr := byName(value)
	if nameErr == nil {
		return builtin, nil
	}
	raw, err := workload.ReadRegular(value, maxTextFile)
	switch {
	case os.IsNotExist(err) && !strings.ContainsAny(value, "./"):
		return none, nameErr
	case err != nil:
		return none, err
	}
	v, err := parse(string(raw))
	if err != nil {
		return none, fmt.Errorf("%s:%w", value, err)
	}
	return v, nil
}

// Script reads a script from a file. An error in its text names line and column.
func Script(path string) (protocol.Script, error) {
	none := func(string) (protocol.Script, error) { return nil, fmt.Errorf("%s: no such file", path) }
	return byNameOrFile(path, nil, none, protocol.ParseScript)
}
