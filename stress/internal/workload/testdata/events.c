// Programs that events execute, each with a tail call in a function with a callee-saved register: what
// the kernel engine attaches, and the cpu engine runs with a context of which little is known.

#include "../../regress/bpf/regress.h"

u64 seen; // executions, about

// One program and its two targets, for a section; they return 0, as some may return nothing else.
#define PROGRAMS(section, name)                                              \
	PROG_ARRAY(of_##name, 1);                                            \
	SEC(section) int name##_one(void *ctx)                               \
	{                                                                    \
		return hidden(0);                                            \
	}                                                                    \
	SEC(section) int name##_two(void *ctx)                               \
	{                                                                    \
		seen++;                                                      \
		return 0;                                                    \
	}                                                                    \
	SEC(section) int name(void *ctx)                                     \
	{                                                                    \
		u64 n = seen + 1;                                            \
		asm volatile("" : "+r"(n));                                  \
		TAIL_CALL(ctx, &of_##name, 0);                               \
		seen = n;                                                    \
		return 0;                                                    \
	}

PROGRAMS("fentry/tcp_connect", entered)
PROGRAMS("fexit/tcp_connect", left)
PROGRAMS("fmod_ret/security_file_open", modified)
PROGRAMS("lsm/file_open", asked)
PROGRAMS("kprobe/tcp_connect", probed)
PROGRAMS("tracepoint/sched/sched_switch", traced)
PROGRAMS("raw_tp/sched_switch", raw)
PROGRAMS("tp_btf/sched_switch", typed)

char _license[] SEC("license") = "Dual MIT/GPL";
