package report

// Doctor is what a machine can do.
type Doctor struct {
	Checks []Check `json:"checks"`
}

// KernelImages is the name of the check that says which layout the running kernel emits.
const KernelImages = "kernel images"

// Check is one thing that the harness needs or can use.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	For    string `json:"for"` // what is missing without it
}

// Catalogue is what there is to choose from.
type Catalogue struct {
	Kinds []Kind `json:"kinds"`
}

// Kind is a kind of items: protocols, methods, mutants.
type Kind struct {
	Kind  string `json:"kind"`
	Items []Item `json:"items"`
}

// Names lists the items of a kind.
func (c *Catalogue) Names(kind string) []string {
	var out []string
	for _, k := range c.Kinds {
		if k.Kind == kind {
			for _, it := range k.Items {
				out = append(out, it.Name)
			}
		}
	}
	return out
}

// Item is something with a name that a subject can be made of or a document can say.
type Item struct {
	Name string `json:"name"`
	Text string `json:"text"` // may have several lines
}

// Listings are texts that one verb prints as they are.
type Listings struct {
	Of       string    `json:"-"` // the verb
	Listings []Listing `json:"listings"`
}

// Listing is a text with a name: a program's machine code, a model for Spin.
type Listing struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// About has nothing of its own: a document's tool and machine are what is asked for.
type About struct{}

// Schema implements [Section].
func (*Doctor) Schema() string { return "stress/doctor/1" }

// Schema implements [Section].
func (*Catalogue) Schema() string { return "stress/list/1" }

// Schema implements [Section].
func (l *Listings) Schema() string { return "stress/" + l.Of + "/1" }

// Schema implements [Section].
func (*About) Schema() string { return "stress/version/2" }

// Overall implements [Section].
func (*Doctor) Overall() Overall { return "" }

// Overall implements [Section].
func (*Catalogue) Overall() Overall { return "" }

// Overall implements [Section].
func (*Listings) Overall() Overall { return "" }

// Overall implements [Section].
func (*About) Overall() Overall { return "" }
