// What the programs of the regression cases take from the kernel's UAPI, and no more.
// scripts/gen compiles them; the object files are part of the repository.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

// A function that stays one, with its result: clang drops what no caller looks at.
#define FUNCTION static __attribute__((noinline, used))

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_PROG_ARRAY 3

#define MAP(name, kind, n, k, v)        \
	struct {                        \
		int(*type)[kind];       \
		int(*max_entries)[n];   \
		typeof(k) *key;         \
		typeof(v) *value;       \
	} name SEC(".maps")

#define PROG_ARRAY(name, n) MAP(name, BPF_MAP_TYPE_PROG_ARRAY, n, u32, u32)

// The first fields of the UAPI's struct __sk_buff.
struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
	u32 tc_index;
	u32 cb[5];
};

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*bpf_trace_printk)(const char *fmt, u32 fmt_size, ...) = (void *)6;
static u32 (*bpf_get_smp_processor_id)(void) = (void *)8;
static long (*bpf_tail_call)(void *ctx, const void *map, u32 key) = (void *)12;
static long (*bpf_probe_read_kernel)(void *dst, u32 size, const void *from) = (void *)113;

// Packet loads that came from cBPF: network order, and the program ends with 0 where the
// packet does.
u64 load_byte(void *skb, u64 off) asm("llvm.bpf.load.byte");
u64 load_half(void *skb, u64 off) asm("llvm.bpf.load.half");
u64 load_word(void *skb, u64 off) asm("llvm.bpf.load.word");

// A tail call that stays where it stands: of two paths that each end in one, clang makes a
// single call of two keys, unless something unlike follows.
#define TAIL_CALL(ctx, map, key)                   \
	do {                                       \
		bpf_tail_call(ctx, map, key);      \
		asm volatile("" ::: "memory");     \
	} while (0)

// A value that the optimizer cannot foresee. What a function with a tail call returns must
// be hidden: its callee's result takes the place of the constant that clang sees.
INLINE int hidden(int v)
{
	asm volatile("" : "+r"(v));
	return v;
}
