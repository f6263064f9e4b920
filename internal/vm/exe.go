package vm

import "os"

var exeOf = func() (string, error) {
	if e := os.Getenv("TRYEXE"); e != "" {
		return e, nil
	}
	return os.Executable()
}
