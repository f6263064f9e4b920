//go:build ignore

// The default subject's program: what a user of tail calls writes. Its entry has two direct
// sites, an indirect one whose key comes from the context, and a subprogram with a direct site,
// so that one image has every kind of tail call. It needs no header: what it takes from the
// kernel's UAPI stands here.

typedef unsigned int u32;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define BPF_MAP_TYPE_PROG_ARRAY 3

// The first fields of the UAPI's struct __sk_buff.
struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
};

static long (*bpf_tail_call)(void *ctx, const void *map, u32 key) = (void *)12;

enum { PARSE_VLAN, PARSE_IP, PARSE_QUEUE, ACCOUNT, KEYS };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, KEYS);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} jmp_table SEC(".maps");

// A subprogram: what its tail call's callee returns, it returns.
static __attribute__((noinline)) int account(struct __sk_buff *skb)
{
	u32 len = skb->len;

	bpf_tail_call(skb, &jmp_table, ACCOUNT);
	return skb->mark + len;
}

SEC("tc") int dispatch(struct __sk_buff *skb)
{
	u32 len = skb->len, mark = skb->mark;
	int spent = account(skb);

	bpf_tail_call(skb, &jmp_table, PARSE_VLAN);
	bpf_tail_call(skb, &jmp_table, PARSE_IP);
	bpf_tail_call(skb, &jmp_table, skb->queue_mapping);
	return spent + (len << 16) + (mark << 24) + skb->protocol;
}

SEC("tc") int parse_v1(struct __sk_buff *skb)
{
	return skb->len + 0x1000;
}

SEC("tc") int parse_v2(struct __sk_buff *skb)
{
	u32 len = skb->len;

	return len + skb->mark + 0x2000;
}

char _license[] SEC("license") = "Dual MIT/GPL";
