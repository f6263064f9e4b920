// A program that calls functions with tail calls more than once. Where each function gets its
// own count, the executions double with every level.

#include "regress.h"

PROG_ARRAY(one, 1);
PROG_ARRAY(other, 1);
PROG_ARRAY(two, 2);

u32 entered0; // programs entered, by any way
u32 entered1;

// hierarchy_1: the program calls itself through its function, twice.
FUNCTION int to_root(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &one, 0);
	return hidden(0);
}

SEC("tc") int root(struct __sk_buff *skb)
{
	entered0++;
	to_root(skb);
	to_root(skb);
	return 1;
}

// hierarchy_2: two functions, each with a loop of its own.
FUNCTION int to_left(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &two, 0);
	return hidden(0);
}

FUNCTION int to_right(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &two, 1);
	return hidden(0);
}

SEC("tc") int left(struct __sk_buff *skb)
{
	entered0++;
	return to_left(skb);
}

SEC("tc") int right(struct __sk_buff *skb)
{
	entered1++;
	return to_right(skb);
}

SEC("tc") int left_then_right(struct __sk_buff *skb)
{
	to_left(skb);
	to_right(skb);
	return entered1 << 16 | entered0;
}

// hierarchy_3: one function, which is handed the map.
FUNCTION int to_first(struct __sk_buff *skb, void *map)
{
	TAIL_CALL(skb, map, 0);
	return hidden(0);
}

SEC("tc") int both_maps(struct __sk_buff *skb)
{
	entered0++;
	to_first(skb, &one);
	to_first(skb, &other);
	return entered0;
}

SEC("tc") int into_both_maps(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &one, 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
