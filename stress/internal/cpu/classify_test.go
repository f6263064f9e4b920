package cpu

import (
	"testing"

	"tailpoke/patcher/protocol"
)

func TestMayTear(t *testing.T) {
	for _, m := range protocol.Methods() {
		if MayTear(m) {
			t.Errorf("%s is built in", m.Name)
		}
	}
	if m, err := protocol.ParseMethod("method m\n bytes; sync"); err != nil || !MayTear(m) {
		t.Errorf("bytes without int3 are held to be whole (%v)", err)
	}
}
