package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// format is in what form a report is printed.
type format string

const (
	formatText  format = "text"
	formatJSON  format = "json"
	formatKTAP  format = "ktap"
	formatJUnit format = "junit"
)

var formats = []string{string(formatText), string(formatJSON), string(formatKTAP), string(formatJUnit)}

func (f *format) String() string { return string(*f) }

func (f *format) Type() string { return "format" }

func (f *format) Set(text string) error {
	if !slices.Contains(formats, text) {
		return fmt.Errorf("want %s", strings.Join(formats, ", "))
	}
	*f = format(text)
	return nil
}

// formatFlags adds --format, and --json for short.
func formatFlags(flags *pflag.FlagSet, f *format) {
	*f = formatText
	flags.Var(f, "format", "form of the report: "+strings.Join(formats, ", "))
	flags.Var(&jsonFlag{f}, "json", "print one JSON object: --format json")
	flags.Lookup("json").NoOptDefVal = "true"
	flags.Lookup("json").DefValue = "false"
}

// jsonFlag sets a format to JSON.
type jsonFlag struct{ to *format }

func (j *jsonFlag) String() string { return "false" }

func (j *jsonFlag) Type() string { return "bool" }

func (j *jsonFlag) Set(text string) error {
	switch text {
	case "true":
		*j.to = formatJSON
	case "false":
	default:
		return fmt.Errorf("want true or false")
	}
	return nil
}
