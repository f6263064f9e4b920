package regress

import "fmt"

// Columns are the columns that this machine can have: the interpreter under today's rules,
// machine code in every era's layout, the running kernel. missing names the others, with reasons.
func Columns() (columns []Column, missing []string) {
	add := func(name string, c Column, err error) {
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s: %v", name, err))
			return
		}
		columns = append(columns, c)
	}
	i, err := NewInterpreter(V612)
	add("the interpreter", i, err)
	for _, e := range Eras() {
		n, err := NewNative(e)
		add("layout "+string(e), n, err)
	}
	k, err := NewKernel()
	add("the kernel", k, err)
	return columns, missing
}
