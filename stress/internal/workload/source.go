package workload

import "tailpoke/patcher/protocol"

// Source is what a workload can be made from again, in another process or at another time.
type Source struct {
	Object  []byte         `json:"object,omitempty"`
	Case    string         `json:"case,omitempty"` // of the regression cases
	Name    string         `json:"name,omitempty"`
	Entry   string         `json:"entry,omitempty"`
	Shape   protocol.Shape `json:"shape"`
	Aligned bool           `json:"aligned,omitempty"`
}

// Workload makes the workload again. byCase makes that of a regression case.
func (s Source) Workload(byCase func(name string) (*Workload, error)) (*Workload, error) {
	switch {
	case s.Case != "":
		return byCase(s.Case)
	case s.Object == nil:
		return Generate(s.Shape, s.Aligned)
	}
	return ReadObject(s.Name, s.Object, s.Entry)
}
