package report

// Regression is the table of the regression cases.
type Regression struct {
	Columns []Heading        `json:"columns"`
	Cases   []RegressionCase `json:"cases"`
	// Agree: every cell is as expected. Those that cannot run are counted apart.
	Agree     bool `json:"agree"`
	CannotRun int  `json:"cannot_run"`
	// Missing says which columns there might be on another machine, and why not here.
	Missing []string `json:"missing,omitempty"`
}

// Schema implements [Section].
func (*Regression) Schema() string { return "stress/regression/1" }

// Overall implements [Section].
func (r *Regression) Overall() Overall { return holdsIf(r.Agree) }

// Heading is a column and the era that its results are held against.
type Heading struct {
	Name string `json:"name"`
	Era  string `json:"era"`
}

// RegressionCase is one line of the table.
type RegressionCase struct {
	Name    string       `json:"name"`
	Origin  string       `json:"origin"`
	Results []CaseResult `json:"results"` // in the order of the columns
}

// CaseResult is what came of one case in one column.
type CaseResult struct {
	Column string `json:"column"`
	Cell   Cell   `json:"cell"`
	// Violated are the properties that runs were found to break. In a cell that is ok, the
	// era is known to break them.
	Violated   []string    `json:"violated,omitempty"`
	Difference *Difference `json:"difference,omitempty"`
	Reason     string      `json:"reason,omitempty"`
}

// Cell is what a case is in a column, in a word.
type Cell string

// The cells.
const (
	CellOK        Cell = "ok"         // as expected, faults of the era included
	CellDiffers   Cell = "differs"    // see CaseResult.Difference
	CellCannotRun Cell = "cannot run" // see CaseResult.Reason
	CellFailed    Cell = "failed"     // the harness did: see CaseResult.Reason
)

// Difference is where a result is not the expected one.
type Difference struct {
	Step int    `json:"step"` // from 1 on
	Of   string `json:"of"`   // the step in words
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
}
