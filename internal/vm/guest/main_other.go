//go:build !linux

package guest

// Main does nothing: guests are Linux.
func Main() {}
