package stress

import (
	"io"

	"tailpoke/model/promela"
	"tailpoke/patcher/protocol"
)

// WritePromela writes the subject, in the target's shape but for its threads, as a model
// for the model checker Spin. The error is a fault of the input, or what w answers.
func WritePromela(w io.Writer, s protocol.Subject, t *Workload) error {
	if _, err := check(s, t); err != nil {
		return err
	}
	s.Shape = t.Shape(s.Shape.Threads)
	return promela.Write(w, s, s.Shape.Threads)
}
