package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mountSmall puts an empty file system of so many bytes on a folder.
func mountSmall(dir string, bytes int) error {
	return unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes))
}

func unmount(dir string) { _ = unix.Unmount(dir, unix.MNT_DETACH) }
