// A dispatcher of system calls: the number is the key, and each target reads what the call
// was given from memory. The calls that no target is for, the dispatcher sees itself.

#include "regress.h"

enum { NR_GETUID = 102, NR_GETSID = 124 };

// The UAPI's struct seccomp_data.
struct seccomp_data {
	int nr;
	u32 arch;
	u64 instruction_pointer;
	u64 args[6];
};

// The arguments of the raw tracepoint. Data is read at from, and at data where that is 0: so
// a case can give an address that is one in every engine, and one that is in none.
struct call {
	u64 nr;
	u64 from;
	struct seccomp_data data;
};

PROG_ARRAY(targets, 1024);

INLINE long read_data(struct call *call, struct seccomp_data *data)
{
	const void *from = (const void *)call->from;

	if (!from)
		from = &call->data;
	return bpf_probe_read_kernel(data, sizeof(*data), from);
}

SEC("raw_tp/dispatch") int dispatch(struct call *call)
{
	u32 nr = call->nr;

	bpf_tail_call(call, &targets, nr);
	if (nr >= NR_GETUID && nr <= NR_GETSID) {
		char fmt[] = "call %d: who am I\n";

		bpf_trace_printk(fmt, sizeof(fmt), nr);
		return 1;
	}
	return 0;
}

// A target's result is the size that was asked for, and -1 if that could not be read: kernels
// do not agree on the error.
SEC("raw_tp/write") int on_write(struct call *call)
{
	struct seccomp_data data;

	if (read_data(call, &data))
		return -1;
	if (data.args[2] == 512) {
		char fmt[] = "write to %d, %d bytes\n";

		bpf_trace_printk(fmt, sizeof(fmt), data.args[0], data.args[2]);
		return 1000000 + data.args[2];
	}
	return data.args[2];
}

SEC("raw_tp/read") int on_read(struct call *call)
{
	struct seccomp_data data;

	if (read_data(call, &data))
		return -1;
	if (data.args[2] > 128 && data.args[2] <= 1024) {
		char fmt[] = "read from %d, %d bytes\n";

		bpf_trace_printk(fmt, sizeof(fmt), data.args[0], data.args[2]);
		return 2000000 + data.args[2];
	}
	return data.args[2];
}

SEC("raw_tp/mmap") int on_mmap(struct call *call)
{
	char fmt[] = "mmap\n";

	bpf_trace_printk(fmt, sizeof(fmt));
	return 9;
}

char _license[] SEC("license") = "Dual MIT/GPL";
