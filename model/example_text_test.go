package model_test

import (
	"fmt"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
)

// A protocol of one's own is judged. Its remove forgets the grace period between its pokes.
func ExampleCheck_protocolText() {
	p, err := protocol.ParseProtocol(`
protocol hasty
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; retire
  remove  publish; each { bypass=jump; target=nop }; retire
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := protocol.DefaultSubject()
	s.Protocol = p
	r, err := model.Check(s, model.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Verdict, r.Property, "by", len(r.Witness.Steps), "steps")
	// Output: violated never-a by 28 steps
}
