package protocol_test

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// A protocol is parsed, printed, and unrolled for a key that two sites look up.
func ExampleParseProtocol() {
	p, err := protocol.ParseProtocol(`
protocol mine            # a remove that waits once for all sites
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; retire
  remove  publish; each { bypass=jump }; wait if changed; each { target=nop }; retire
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(p)
	for _, a := range p.Unroll(protocol.Remove, 2) {
		switch a.Kind {
		case protocol.Poke:
			fmt.Printf("site %d: %v=%v\n", a.Desc, a.Slot, a.To)
		case protocol.Wait:
			fmt.Println("wait, if a poke changed a byte:", a.IfChanged)
		default:
			fmt.Println(a.Kind)
		}
	}
	// Output:
	// protocol mine
	//   install  publish; each { target=jump; bypass=nop }
	//   update   publish; each { target=jump }; retire
	//   remove   publish; each { bypass=jump }; wait if changed; each { target=nop }; retire
	// publish
	// site 0: bypass=jump
	// site 1: bypass=jump
	// wait, if a poke changed a byte: true
	// site 0: target=nop
	// site 1: target=nop
	// retire
}

// A fault in a text is reported with its line and column.
func ExampleSyntaxError() {
	_, err := protocol.ParseProtocol("protocol mine\n  install  publish; target=jump")
	fmt.Println(err)
	// Output: 2:21: target names a descriptor's slot and must stand inside each { }
}

// An edit breaks a subject, or is refused if there is nothing to change.
func ExampleEdit() {
	s := protocol.DefaultSubject()
	e := protocol.Edit{Of: protocol.OfRemove, Do: protocol.Drop, Step: "wait if changed"}
	broken, err := e.Apply(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e)
	fmt.Print(broken.Protocol)
	_, err = e.Apply(broken)
	fmt.Println(err)
	// Output:
	// remove: drop wait if changed
	// protocol kernel
	//   install  publish; each { target=jump; bypass=nop }
	//   update   publish; each { target=jump }; retire
	//   remove   publish; each { bypass=jump; target=nop }; retire
	// edit "remove: drop wait if changed": no such step in "publish; each { bypass=jump; target=nop }; retire"
}
