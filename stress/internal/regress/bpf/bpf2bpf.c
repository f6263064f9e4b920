// Tail calls from functions that a program calls: the callee's result is the function's.

#include "regress.h"

PROG_ARRAY(one, 1);
PROG_ARRAY(two, 2);
PROG_ARRAY(three, 3);
MAP(values, BPF_MAP_TYPE_ARRAY, 1, u32, u32);

u32 entered;  // programs that a tail call led to
u32 entered2; // of these, the third of bpf2bpf_4
u32 noise;    // whether a map is looked up in between
u32 done;     // the leaf was reached

SEC("tc") int leaf0(struct __sk_buff *skb)
{
	return 0;
}

SEC("tc") int leaf1(struct __sk_buff *skb)
{
	return 1;
}

// bpf2bpf_1: one site in the program, one in its function.
FUNCTION int to_leaf0(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &two, 0);
	return skb->len * 2;
}

SEC("tc") int both(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &two, 1);
	return to_leaf0(skb);
}

// bpf2bpf_2: a loop through a function. Key 1 is beyond the map, and the packet never asks
// for it.
FUNCTION int by_packet(struct __sk_buff *skb)
{
	if (load_byte(skb, 0))
		TAIL_CALL(skb, &one, 1);
	else
		TAIL_CALL(skb, &one, 0);
	return hidden(1);
}

SEC("tc") int through_function(struct __sk_buff *skb)
{
	entered++;
	return by_packet(skb);
}

SEC("tc") int into_loop(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &one, 0);
	return 0;
}

// bpf2bpf_3: frames of 64 and 128 bytes to unwind.
#define FRAME(bytes)                              \
	volatile u64 room[(bytes) / 8];           \
	_Pragma("unroll")                         \
	for (u32 i = 0; i < (bytes) / 8; i++)     \
		room[i] = 0

FUNCTION int frame64_first(struct __sk_buff *skb)
{
	FRAME(64);
	TAIL_CALL(skb, &two, 0);
	return skb->len * 2;
}

FUNCTION int frame64_second(struct __sk_buff *skb)
{
	FRAME(64);
	if (load_word(skb, 0) || load_half(skb, 0))
		TAIL_CALL(skb, &two, 10);
	else
		TAIL_CALL(skb, &two, 1);
	return skb->len;
}

SEC("tc") int frame128_first(struct __sk_buff *skb)
{
	FRAME(128);
	return frame64_first(skb);
}

SEC("tc") int frame128_second(struct __sk_buff *skb)
{
	FRAME(128);
	return frame64_second(skb);
}

SEC("tc") int frame128_last(struct __sk_buff *skb)
{
	FRAME(128);
	return skb->len * 3;
}

// bpf2bpf_4 and 5: every hop is through another function, the last one a loop.
FUNCTION int hop2(struct __sk_buff *skb)
{
	if (noise) {
		u32 key = 0;

		bpf_map_lookup_elem(&values, &key);
	}
	TAIL_CALL(skb, &three, 2);
	return skb->len * 3;
}

FUNCTION int hop1(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &three, 1);
	return skb->len * 2;
}

FUNCTION int hop0(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &three, 0);
	return skb->len;
}

SEC("tc") int hopped0(struct __sk_buff *skb)
{
	entered++;
	return hop1(skb);
}

SEC("tc") int hopped1(struct __sk_buff *skb)
{
	entered++;
	return hop2(skb);
}

SEC("tc") int hopped2(struct __sk_buff *skb)
{
	entered++;
	entered2++;
	return hop2(skb);
}

SEC("tc") int hops(struct __sk_buff *skb)
{
	return hop0(skb);
}

// bpf2bpf_6: one byte of stack, which is no whole number of words.
SEC("tc") int finish(struct __sk_buff *skb)
{
	done++;
	return 0;
}

FUNCTION int to_finish(struct __sk_buff *skb)
{
	TAIL_CALL(skb, &two, 0);
	return hidden(1);
}

SEC("tc") int odd(struct __sk_buff *skb)
{
	volatile char byte[1];

	byte[0] = 0;
	return to_finish(skb);
}

// The bytes beside that one are what the frame before left: here ones. A counter that is
// read from there is spent.
SEC("tc") int odd_over_ones(struct __sk_buff *skb)
{
	volatile u64 room[2];

	room[0] = room[1] = ~0ull;
	TAIL_CALL(skb, &two, 1);
	return 9;
}

// And here zeroes, in every frame of a loop. A counter that is read from there never grows.
FUNCTION int over_zero(struct __sk_buff *skb)
{
	FRAME(8);
	TAIL_CALL(skb, &one, 0);
	return hidden(1);
}

SEC("tc") int odd_loop(struct __sk_buff *skb)
{
	volatile char byte[1];

	byte[0] = 0;
	entered++;
	return over_zero(skb);
}

SEC("tc") int odd_loop_over_zero(struct __sk_buff *skb)
{
	FRAME(8);
	TAIL_CALL(skb, &one, 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
