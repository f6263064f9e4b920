// A program that reads variables of the kernel, one of each CPU through helpers. What it finds there
// nobody knows.

#include "../../regress/bpf/regress.h"

#define __ksym __attribute__((section(".ksyms")))

struct rq {
	unsigned int nr_running;
} __attribute__((preserve_access_index));

extern const struct rq runqueues __ksym;
extern const int no_such_variable __ksym __attribute__((weak));

static void *(*const bpf_per_cpu_ptr)(const void *var, unsigned int cpu) = (void *)153;
static void *(*const bpf_this_cpu_ptr)(const void *var) = (void *)154;

char _license[] SEC("license") = "Dual MIT/GPL"; // kernels show their types to no other

PROG_ARRAY(jmp_table, 1);

SEC("tc") int one(struct __sk_buff *skb) { return 1; }

SEC("tc") int two(struct __sk_buff *skb) { return 2; }

SEC("tc") int reads(struct __sk_buff *skb)
{
	const struct rq *mine = bpf_this_cpu_ptr(&runqueues), *first = bpf_per_cpu_ptr(&runqueues, 0);
	int n = mine->nr_running;

	if (first)
		n += first->nr_running;
	if (&no_such_variable)
		n += no_such_variable;
	TAIL_CALL(skb, &jmp_table, 0);
	return n;
}
