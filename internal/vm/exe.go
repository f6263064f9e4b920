package vm
import "os"
var exeOf = os.Executable
