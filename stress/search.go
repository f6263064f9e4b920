package stress

import (
	"context"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/search"
	"tailpoke/stress/report"
)

// SearchOptions says what is searched for.
type SearchOptions = search.Options

// MaxSearchSteps bounds the steps of an operation that is searched for.
const MaxSearchSteps = search.MaxSteps

// Search puts every short text of an operation in the place of the subject's own, has the model
// judge it, and ranks those that are safe. If ctx ends, the report has what was judged until then.
func Search(ctx context.Context, s protocol.Subject, o SearchOptions) (*report.Search, error) {
	return search.Run(ctx, s, o)
}
