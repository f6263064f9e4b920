package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/perfetto"
)

func perfettoFlag(f *pflag.FlagSet, name *string) {
	f.StringVar(name, "perfetto", "", "file to draw into what happened in time: https://ui.perfetto.dev opens it")
}

// openTimes opens the file that --perfetto names, if it names one. It is to be closed.
func openTimes(name string) (*later, error) {
	file, err := openLater(name)
	if err != nil {
		return nil, fmt.Errorf("--perfetto: %w", err)
	}
	return file, nil
}

// keepTimes has kept of a run what its drawing needs, and save draws it. The trace goes to where
// --trace has it go as well.
func (j *judging) keepTimes(o *stress.Options) (file *later, save func(*report.Document) error, err error) {
	file, err = openTimes(j.perfetto)
	var trace bytes.Buffer
	if file != nil && o.Trace == nil {
		o.Trace = &trace
	} else if file != nil {
		o.Trace = io.MultiWriter(o.Trace, &trace)
	}
	return file, func(d *report.Document) error { return drawTimes(file, d, trace.String()) }, err
}

// drawTimes writes what a document and the text of a trace say of time, if there is a file for it.
func drawTimes(file *later, d *report.Document, trace string) error {
	if file == nil {
		return nil
	}
	drawn, err := perfetto.Of(d, trace)
	if err != nil {
		return err
	}
	return file.write(drawn)
}
