package metrics

import (
	"errors"
	"io"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"tailpoke/stress/report"
)

// ContentType is that of the text format.
var ContentType = string(expfmt.NewFormat(expfmt.TypeTextPlain))

// Text writes what a document of a soak says. Where metrics contradict each other it writes nothing, and
// the error is one line.
func Text(w io.Writer, d *report.Document) error {
	r := prometheus.NewRegistry()
	if err := r.Register(collector{d}); err != nil {
		return err
	}
	all, err := r.Gather()
	if several := (prometheus.MultiError)(nil); errors.As(err, &several) {
		err = several[0] // all of them have a line each
	}
	if err != nil {
		return err
	}
	for _, f := range all {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return err
		}
	}
	return nil
}

// A collector has the metrics of a document.
type collector struct{ of *report.Document }

// Describe says nothing: which metrics there are is up to the document.
func (collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(to chan<- prometheus.Metric) { metrics(to).document(c.of) }

// metrics takes metrics, one at a time. Labels are names and values in turn.
type metrics chan<- prometheus.Metric

func (m metrics) counter(name, help string, value float64, labels ...string) {
	m.send(prometheus.NewConstMetric(describe(name, help, labels), prometheus.CounterValue, value))
}

func (m metrics) gauge(name, help string, value float64, labels ...string) {
	m.send(prometheus.NewConstMetric(describe(name, help, labels), prometheus.GaugeValue, value))
}

// send leaves it to the registry to say what is wrong with a metric, such as a label that is not UTF-8.
func (m metrics) send(one prometheus.Metric, err error) {
	if err != nil {
		one = prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	m <- one
}

func describe(name, help string, labels []string) *prometheus.Desc {
	all := prometheus.Labels{}
	for l := range slices.Chunk(labels, 2) {
		all[l[0]] = l[1]
	}
	return prometheus.NewDesc("tailpoke_"+name, help, nil, all)
}
