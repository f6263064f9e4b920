package report

// Guest is the virtual machine in which a verb ran.
type Guest struct {
	Image    string `json:"image"`             // the kernel's, as it was named
	Emulator string `json:"emulator"`          // what runs the machine, and its version
	Accel    string `json:"accel"`             // what executes: "kvm", "tcg,thread=single"
	CPU      string `json:"cpu"`               // the processor's model
	CPUs     int    `json:"cpus"`              // of the machine
	Memory   string `json:"memory"`            // of the machine, as QEMU writes it
	Append   string `json:"append,omitempty"`  // what was added to the kernel's command line
	Release  string `json:"release,omitempty"` // of the kernel, once it has booted
}
