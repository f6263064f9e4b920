// A flow dissector: a parser a protocol, each a program, and the next one found by a tail
// call of a constant key. skb->cb[0] is where the header to be read begins.

#include "regress.h"

enum { PARSE_VLAN = 1, PARSE_MPLS, PARSE_IP, PARSE_IPV6 };
enum { ETHER_IP = 0x0800, ETHER_VLAN = 0x8100, ETHER_IPV6 = 0x86dd, ETHER_QINQ = 0x88a8,
       ETHER_MPLS = 0x8847, ETHER_MPLS_MC = 0x8848 };
enum { PROTO_IPIP = 4, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_IPV6 = 41, PROTO_GRE = 47 };

struct flow {
	u32 from;
	u32 to;
	u32 ports;
	u32 proto;
};

struct traffic {
	u64 packets;
	u64 bytes;
};

PROG_ARRAY(parsers, 8);
MAP(scratch, BPF_MAP_TYPE_ARRAY, 32, u32, struct flow); // one a CPU: a flow is longer than cb
MAP(flows, BPF_MAP_TYPE_HASH, 1024, struct flow, struct traffic);

u32 entered; // parsers

// Goes on at offset with the parser of an ethertype. Returns if there is none.
INLINE void parse_ethertype(struct __sk_buff *skb, u32 offset, u32 type)
{
	skb->cb[0] = offset;
	switch (type) {
	case ETHER_VLAN:
	case ETHER_QINQ:
		TAIL_CALL(skb, &parsers, PARSE_VLAN);
		break;
	case ETHER_MPLS:
	case ETHER_MPLS_MC:
		TAIL_CALL(skb, &parsers, PARSE_MPLS);
		break;
	case ETHER_IP:
		TAIL_CALL(skb, &parsers, PARSE_IP);
		break;
	case ETHER_IPV6:
		TAIL_CALL(skb, &parsers, PARSE_IPV6);
		break;
	}
}

INLINE struct flow *this_cpu(void)
{
	u32 cpu = bpf_get_smp_processor_id() & 31;

	return bpf_map_lookup_elem(&scratch, &cpu);
}

// Books a packet to its flow.
INLINE void account(struct __sk_buff *skb, struct flow *flow)
{
	struct traffic *seen = bpf_map_lookup_elem(&flows, flow);

	if (seen) {
		__sync_fetch_and_add(&seen->packets, 1);
		__sync_fetch_and_add(&seen->bytes, skb->len);
	} else {
		struct traffic first = { 1, skb->len };

		bpf_map_update_elem(&flows, flow, &first, 0);
	}
}

// GRE: what optional words it has, its flags say.
INLINE int parse_gre(struct __sk_buff *skb, u32 offset)
{
	u32 flags = load_half(skb, offset), type = load_half(skb, offset + 2);

	if (flags & 0x4007) // routing, or not version 0
		return 0;
	offset += 4;
	if (flags & 0x8000) // checksum
		offset += 4;
	if (flags & 0x2000) // key
		offset += 4;
	if (flags & 0x1000) // sequence
		offset += 4;
	parse_ethertype(skb, offset, type);
	return 0;
}

// What follows the addresses. The result is where the ports are, 0 if nothing was counted.
INLINE int parse_transport(struct __sk_buff *skb, struct flow *flow, u32 offset, u32 proto)
{
	switch (proto) {
	case PROTO_GRE:
		return parse_gre(skb, offset);
	case PROTO_IPIP:
		parse_ethertype(skb, offset, ETHER_IP);
		return 0;
	case PROTO_IPV6:
		parse_ethertype(skb, offset, ETHER_IPV6);
		return 0;
	case PROTO_TCP:
	case PROTO_UDP:
		flow->ports = load_word(skb, offset);
		flow->proto = proto;
		account(skb, flow);
		return offset;
	}
	return 0;
}

SEC("socket") int parse_ether(struct __sk_buff *skb)
{
	parse_ethertype(skb, 14, load_half(skb, 12));
	return 0;
}

SEC("socket") int parse_vlan(struct __sk_buff *skb)
{
	u32 offset = skb->cb[0];

	entered++;
	parse_ethertype(skb, offset + 4, load_half(skb, offset + 2));
	return 0;
}

SEC("socket") int parse_mpls(struct __sk_buff *skb)
{
	u32 offset = skb->cb[0], label, version;

	entered++;
	label = load_word(skb, offset);
	offset += 4;
	if (!(label & 0x100)) { // not the last of the stack
		parse_ethertype(skb, offset, ETHER_MPLS);
		return 0;
	}
	version = load_byte(skb, offset) >> 4;
	if (version == 4)
		parse_ethertype(skb, offset, ETHER_IP);
	else if (version == 6)
		parse_ethertype(skb, offset, ETHER_IPV6);
	return 0;
}

SEC("socket") int parse_ip(struct __sk_buff *skb)
{
	u32 offset = skb->cb[0], words;
	struct flow *flow;

	entered++;
	flow = this_cpu();
	if (!flow)
		return 0;
	if (load_half(skb, offset + 6) & 0x3fff) // a fragment: ports are in the first alone
		return 0;
	flow->from = load_word(skb, offset + 12);
	flow->to = load_word(skb, offset + 16);
	words = load_byte(skb, offset) & 15;
	return parse_transport(skb, flow, offset + words * 4, load_byte(skb, offset + 9));
}

INLINE u32 folded(struct __sk_buff *skb, u32 offset)
{
	return load_word(skb, offset) ^ load_word(skb, offset + 4) ^
	       load_word(skb, offset + 8) ^ load_word(skb, offset + 12);
}

SEC("socket") int parse_ipv6(struct __sk_buff *skb)
{
	u32 offset = skb->cb[0];
	struct flow *flow;

	entered++;
	flow = this_cpu();
	if (!flow)
		return 0;
	flow->from = folded(skb, offset + 8);
	flow->to = folded(skb, offset + 24);
	return parse_transport(skb, flow, offset + 40, load_byte(skb, offset + 6));
}

char _license[] SEC("license") = "Dual MIT/GPL";
