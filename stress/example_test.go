package stress

import (
	"context"
	"fmt"
	"time"

	"tailpoke/patcher/protocol"
)

// A protocol of one's own, judged by the model.
func ExampleRun() {
	subject, target, err := Choice{Sites: 1}.Resolve()
	if err != nil {
		panic(err)
	}
	subject.Protocol, err = protocol.ParseProtocol(`
		protocol hasty
		  install  publish; each { bypass=nop; target=jump }
		  update   publish; each { target=jump }; retire
		  remove   publish; each { bypass=jump; wait; target=nop }; retire`)
	if err != nil {
		panic(err)
	}
	report, err := Run(context.Background(), subject, target, Options{
		Engines: []protocol.Engine{protocol.Model}, Duration: time.Second,
	})
	if err != nil {
		panic(err)
	}
	v := report.Of(protocol.Model)
	fmt.Println(v.Verdict, v.Property)
	// Output: violated never-a
}
