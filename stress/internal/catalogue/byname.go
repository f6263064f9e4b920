package catalogue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/workload"
)

// Protocol finds a protocol by its name, or else reads it from a file, from in if that is called "-".
// Without a value it is the default subject's; so are the others.
func Protocol(value string, in io.Reader) (protocol.Protocol, error) {
	return byNameOrFile(value, in, protocol.DefaultSubject().Protocol, protocol.ProtocolByName, protocol.ParseProtocol)
}

// Method finds a poke method by its name, or else reads it, as Protocol does.
func Method(value string, in io.Reader) (protocol.Method, error) {
	return byNameOrFile(value, in, protocol.DefaultSubject().Method, protocol.MethodByName, protocol.ParseMethod)
}

// Grace finds a grace-period flavour by its name.
func Grace(value string) (protocol.Grace, error) {
	if value == "" {
		return protocol.DefaultSubject().Grace, nil
	}
	return protocol.GraceByName(value)
}

// Layout checks the name of a layout, and returns it, with the running kernel's in the place of
// [identity.Running].
func Layout(value string) (string, error) {
	if value == "" {
		return protocol.DefaultSubject().Layout, nil
	}
	return identity.LayoutName(value)
}

// maxTextFile bounds the file of a protocol, a method or a script, in bytes.
const maxTextFile = 1 << 20

// byNameOrFile resolves a value that names a built-in or else a file with its text, or that is such
// a text: it has several lines. An error in a text names line and column.
func byNameOrFile[T any](value string, in io.Reader, none T, byName, parse func(string) (T, error)) (T, error) {
	if value == "" {
		return none, nil
	}
	builtin, nameErr := byName(value)
	if nameErr == nil {
		return builtin, nil
	}
	if strings.Contains(value, "\n") {
		v, err := parse(value)
		if err != nil {
			return none, fmt.Errorf("its text:%w", err)
		}
		return v, nil
	}
	raw, err := readText(value, in)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(value, "./"):
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

// readText reads a file, or in for "-".
func readText(path string, in io.Reader) ([]byte, error) {
	if path != "-" || in == nil {
		return workload.ReadRegular(path, maxTextFile)
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxTextFile+1))
	if err == nil && len(raw) > maxTextFile {
		err = fmt.Errorf("more than %d bytes", maxTextFile)
	}
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return raw, nil
}

// Script reads a script from a file, or from in for "-", and returns its text too. An error in it
// names line and column.
func Script(path string, in io.Reader) (s protocol.Script, text string, err error) {
	none := func(string) (protocol.Script, error) { return nil, fmt.Errorf("%s: no such file", path) }
	s, err = byNameOrFile(path, in, nil, none, func(t string) (protocol.Script, error) {
		text = t
		return protocol.ParseScript(t)
	})
	return s, text, err
}
