// Tail calls from main programs alone: one table of three keys, one of five, one of one.

#include "regress.h"

PROG_ARRAY(three, 3);
PROG_ARRAY(five, 5);
PROG_ARRAY(one, 1);

u32 entered;  // programs that a tail call led to
u32 selector; // which key, or which branch
u32 which;    // always 0, which clang must not know

SEC("tc") int leaf0(struct __sk_buff *skb)
{
	return 0;
}

SEC("tc") int leaf1(struct __sk_buff *skb)
{
	return 1;
}

SEC("tc") int leaf2(struct __sk_buff *skb)
{
	return 2;
}

#define TIMES2(x) x x
#define TIMES4(x) TIMES2(x) TIMES2(x)
#define TIMES8(x) TIMES4(x) TIMES4(x)
#define TIMES32(x) TIMES8(x) TIMES8(x) TIMES8(x) TIMES8(x)

// tailcall_1: several sites a key, so that an operation has several descriptors.
SEC("tc") int four_sites_each(struct __sk_buff *skb)
{
	TIMES4(TAIL_CALL(skb, &three, 0);)
	TIMES4(TAIL_CALL(skb, &three, 1);)
	TIMES4(TAIL_CALL(skb, &three, 2);)
	return 3;
}

// tailcall_2: a chain that ends, and a pair that does not.
SEC("tc") int chain0(struct __sk_buff *skb)
{
	entered++;
	TAIL_CALL(skb, &five, 1);
	return 0;
}

SEC("tc") int chain1(struct __sk_buff *skb)
{
	entered++;
	TAIL_CALL(skb, &five, 2);
	return 1;
}

SEC("tc") int chain2(struct __sk_buff *skb)
{
	entered++;
	return 2;
}

SEC("tc") int ping(struct __sk_buff *skb)
{
	entered++;
	TAIL_CALL(skb, &five, 4);
	return 3;
}

SEC("tc") int pong(struct __sk_buff *skb)
{
	entered++;
	TAIL_CALL(skb, &five, 3);
	return 4;
}

SEC("tc") int chain_or_pair(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &five, 0);
	TAIL_CALL(skb, &five, 2);
	TAIL_CALL(skb, &five, 3);
	return 9;
}

// tailcall_3: a program that calls itself, until the limit.
SEC("tc") int again(struct __sk_buff *skb)
{
	entered++;
	TAIL_CALL(skb, &one, 0);
	return 1;
}

SEC("tc") int into_one(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &one, 0);
	return 0;
}

// tailcall_4: the key is known when the program runs.
SEC("tc") int selected(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &three, selector);
	return 3;
}

// tailcall_5: a constant key on every path, but not the same one.
SEC("tc") int branches(struct __sk_buff *skb)
{
	u32 key = 0;

	if (selector == 1234)
		key = 1;
	else if (selector == 5678)
		key = 2;
	TAIL_CALL(skb, &three, key);
	return 3;
}

// tailcall_6: tailcall_3 with a key that is read.
SEC("tc") int again_indirect(struct __sk_buff *skb)
{
	entered++;
	TAIL_CALL(skb, &one, which);
	return 1;
}

SEC("tc") int into_one_indirect(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &one, which);
	return 0;
}

// Does a tail call of an empty key count? Key 0 stays empty.
SEC("tc") int misses32(struct __sk_buff *skb)
{
	TIMES32(TAIL_CALL(skb, &three, 0);)
	TAIL_CALL(skb, &three, 1);
	return 3;
}

SEC("tc") int misses33(struct __sk_buff *skb)
{
	TIMES32(TAIL_CALL(skb, &three, 0);)
	TAIL_CALL(skb, &three, 0);
	TAIL_CALL(skb, &three, 1);
	return 3;
}

SEC("tc") int misses33_indirect(struct __sk_buff *skb)
{
	TIMES32(TAIL_CALL(skb, &three, which);)
	TAIL_CALL(skb, &three, which);
	TAIL_CALL(skb, &three, which + 1);
	return 3;
}

char _license[] SEC("license") = "Dual MIT/GPL";
