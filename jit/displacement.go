package jit

import (
	"fmt"
	"regexp"
	"strconv"
)

// wideNegative is a negative displacement of four bytes in a text of package x86asm, which prints those
// of one byte with their sign, and these without.
var wideNegative = regexp.MustCompile(`\+0x[89a-f][0-9a-f]{7}\]`)

// SignDisplacements gives displacements in the text of an instruction their sign: rbp-12 is
// [rbp-0xc], however many bytes it has.
func SignDisplacements(text string) string {
	return wideNegative.ReplaceAllStringFunc(text, func(disp string) string {
		n, err := strconv.ParseUint(disp[len("+0x"):len(disp)-1], 16, 32)
		if err != nil {
			return disp
		}
		return fmt.Sprintf("-%#x]", -int64(int32(n)))
	})
}
