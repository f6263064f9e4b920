package judge

import (
	"io"

	"tailpoke/model/promela"
)

// WritePromela writes a job's subject as a model for the model checker Spin.
func WritePromela(out io.Writer, j *Job) error {
	return promela.Write(out, j.Subject, j.Subject.Shape.Threads)
}
