//go:build ignore
// The entry calls a function twice, and the function tail calls the entry. Where its counter is
// a copy (up to 6.11), each call may spend all that is left: 33 deep, that is 2^33 executions.

typedef unsigned int u32;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define BPF_MAP_TYPE_PROG_ARRAY 3

static long (*bpf_tail_call)(void *ctx, const void *map, u32 key) = (void *)12;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} jmp_table SEC(".maps");

// used: else clang leaves out what it returns.
static __attribute__((noinline, used)) int again(u32 *skb)
{
	bpf_tail_call(skb, &jmp_table, 0);
	return 0;
}

SEC("tc") int hierarchy(u32 *skb)
{
	again(skb);
	again(skb);
	bpf_tail_call(skb, &jmp_table, 0);
	return 1;
}

char _license[] SEC("license") = "Dual MIT/GPL";
