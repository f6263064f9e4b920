package regress

import (
	"encoding/binary"
	"math"
	"slices"
)

// sockex3Case is the flow dissector. Its parsers are main programs and miss nothing, so that all
// eras agree. The result is where the ports lie; 0 if the packet was not counted.
func sockex3Case() Case {
	const (
		host, peer = 0x0a000001, 0x0a000002
		tcp, udp   = 6, 17
	)
	c := Case{
		Name: "sockex3", Origin: "samples: sockex3", source: sockex3ELF,
		Programs: []string{"parse_ether", "parse_vlan", "parse_mpls", "parse_ip", "parse_ipv6"},
		Count:    []string{"entered"},
		Steps: steps(
			Put{"parsers", 1, "parse_vlan"}, Put{"parsers", 2, "parse_mpls"},
			Put{"parsers", 3, "parse_ip"}, Put{"parsers", 4, "parse_ipv6"},
		),
	}
	// see runs the dissector over headers. Where the ports lie says how long all before them is.
	see := func(tails int, r0 uint32, elem []Elem, headers ...[]byte) {
		c.Steps = append(c.Steps, runs(slices.Concat(headers...),
			Want{R0: r0, Tails: tails, Elems: elem}))
	}
	counted := func(packets, bytes uint64, proto uint32) []Elem {
		return []Elem{flow(host, peer, 1000<<16|2000, proto, packets, bytes)}
	}
	transport := ports(1000, 2000)
	see(1, 34, counted(1, 42, udp), ether(0x0800), ipv4(udp, host, peer), transport)
	see(1, 34, counted(2, 84, udp), ether(0x0800), ipv4(udp, host, peer), transport)
	see(1, 54, counted(1, 62, tcp), ether(0x86dd), ipv6(tcp, host, peer), transport)
	see(3, 42, counted(3, 134, udp), ether(0x88a8), vlan(1, 0x8100), vlan(2, 0x0800),
		ipv4(udp, host, peer), transport)
	see(3, 42, counted(4, 184, udp), ether(0x8847), mpls(2), ipv4(udp, host, peer), transport)
	see(2, 58, counted(2, 128, tcp), ether(0x8848), mpls(1), ipv6(tcp, host, peer), transport)
	see(2, 54, counted(5, 246, udp), ether(0x0800), ipv4(4, 1, 2), ipv4(udp, host, peer), transport)
	see(2, 74, counted(3, 210, tcp), ether(0x0800), ipv4(41, 1, 2), ipv6(tcp, host, peer), transport)
	see(2, 70, counted(6, 324, udp), ether(0x0800), ipv4(47, 1, 2), gre(0xb000, 0x0800),
		ipv4(udp, host, peer), transport)

	fragment := ipv4(udp, host, peer)
	fragment[6] = 0x20 // more follow
	see(1, 0, nil, ether(0x0800), fragment, transport)
	see(0, 0, nil, ether(0x0806), zeroes(28))                          // no parser for ARP
	see(1, 0, nil, ether(0x0800), ipv4(udp, host, peer))               // ends before its ports
	see(1, 0, nil, ether(0x0800), ipv4(47, 1, 2), gre(0x4000, 0x0800)) // GRE with routing
	see(1, 0, nil, ether(0x0800), ipv4(1, host, peer), zeroes(8))      // ICMP has no ports
	see(1, 0, counted(6, 324, udp), ether(0x8100), vlan(1, 0), plain)  // and nothing was counted
	see(33, 14+32*4+20, nil, ether(0x8847), mpls(32), ipv4(udp, host, peer), transport)
	see(33, 0, nil, ether(0x8847), mpls(33), ipv4(udp, host, peer), transport) // one too many

	c.Steps = append(c.Steps, Delete{Map: "parsers", Key: 1})
	see(0, 0, nil, ether(0x8100), vlan(1, 0x0800), ipv4(udp, host, peer), transport)
	return c
}

// flow is an element of the dissector's map of flows.
func flow(from, to, ports, proto uint32, packets, size uint64) Elem {
	e := Elem{Map: "flows"}
	for _, v := range []uint32{from, to, ports, proto} {
		e.Key = binary.LittleEndian.AppendUint32(e.Key, v)
	}
	for _, v := range []uint64{packets, size} {
		e.Value = binary.LittleEndian.AppendUint64(e.Value, v)
	}
	return e
}

// tracex5Case is the dispatcher of system calls: one indirect tail call, so that all eras agree.
func tracex5Case() Case {
	const read, write, mmap, getuid, open = 0, 1, 9, 102, 2
	call := func(nr uint64, from uint64, size uint64, r0 uint32) Run {
		// The context: the number, where to read, and struct seccomp_data.
		args := []uint64{nr, from, 0xc000003e<<32 | nr, 0x401000, 3, 0x7000, size, 0, 0, 0}
		return Run{Input: Input{Args: args}, Want: Want{R0: r0}}
	}
	return Case{
		Name: "tracex5", Origin: "samples: tracex5", source: tracex5ELF,
		Programs: []string{"dispatch", "on_read", "on_write", "on_mmap"},
		Steps: steps(
			Put{"targets", read, "on_read"}, Put{"targets", write, "on_write"},
			Put{"targets", mmap, "on_mmap"},
			call(write, 0, 512, 1000512), call(write, 0, 100, 100),
			call(read, 0, 200, 2000200), call(read, 0, 4096, 4096),
			call(mmap, 0, 0, 9),
			call(getuid, 0, 0, 1), call(open, 0, 0, 0), call(5000, 0, 0, 0), // no target
			call(write, 8, 512, math.MaxUint32), // no memory there
			Delete{Map: "targets", Key: write}, call(write, 0, 512, 0),
		),
	}
}
