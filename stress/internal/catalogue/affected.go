package catalogue

import (
	"context"
	"time"

	"tailpoke/stress/internal/affected"
	"tailpoke/stress/report"
)

// Affected asks the running kernel which of the known faults it has, those of these names or all.
func Affected(ctx context.Context, names []string, dangerous bool, race time.Duration,
	begins func(row report.AffectedFault, before *report.Affected)) (*report.Affected, error) {
	return affected.Run(ctx, names, affected.Options{Dangerous: dangerous, Race: race, Begins: begins})
}
