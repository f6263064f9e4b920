package live

import "tailpoke/stress/report"

// Tell tells those who want to know what was seen up to now.
func (c *Config) Tell(r *Result, verdict func() report.Verdict, more func(*report.Progress)) {
	if c.Progress != nil {
		now := r.Progress()
		more(&now)
		c.Progress(now)
	}
	if c.Sofar != nil {
		r.Findings = merge(r.Findings)
		c.Sofar(verdict())
	}
}
