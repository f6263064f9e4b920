// A program whose source lines are named: one tail call is its own, another one is in a function of a
// header, which is inlined.

#include "../../regress/bpf/regress.h"
#include "lines.h"

PROG_ARRAY(jmp_table, 2);

SEC("tc") int parse(struct __sk_buff *skb) { return skb->len; }

SEC("tc") int entry(struct __sk_buff *skb)
{
	u32 len = skb->len;

	bpf_tail_call(skb, &jmp_table, 0);
	len += skb->mark;
	bpf_tail_call_static(skb, &jmp_table, 1);
	return len + skb->protocol;
}
