// Package guest is the part of a virtual machine's run that runs inside it. The command is the
// machine's first process: [Main] mounts what a verb needs, runs the verb as a child, and tells the
// host what it says over the second serial port, frame by frame (link.go). The verb's process knows
// by [Here] that it is in such a machine, and how that runs; it says by a [Beacon] which operation
// is in progress, so that the host knows it when the kernel dies in it.
package guest
