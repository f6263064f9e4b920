package stress

import (
	"context"
	"fmt"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

func exampleResult() *cpu.Result {
	return &cpu.Result{
		Result: live.Result{
			Executions: 7, Installs: 1, Updates: 2, Removes: 3, Skips: 1, Tails: 2,
			Overlaps: report.Overlaps{Install: 1, Update: 2, Remove: 3},
		},
		PatcherCounts: report.PatcherCounts{Pokes: 4, Traps: 5},
	}
}

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
