package vm

import "os"

func init() {
	if e := os.Getenv("TRYEXE"); e != "" {
		exeOf = func() (string, error) { return e, nil }
	}
}
