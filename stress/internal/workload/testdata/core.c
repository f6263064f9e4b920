// A program whose result depends on the types of the kernel that loads it: the compiler leaves the
// sizes and offsets of the structures below in its instructions, and CO-RE puts the kernel's there.

#include "../../regress/bpf/regress.h"

#define RELOCATED __attribute__((preserve_access_index))
#define TYPE_SIZE 1 // bpf_core_type_size
#define FIELD_OFFSET 0
#define FIELD_EXISTS 2

struct task_struct {
	int pid;
	int no_such_field;
} RELOCATED;

PROG_ARRAY(jmp_table, 1);

SEC("tc") int one(struct __sk_buff *skb) { return 1; }

SEC("tc") int two(struct __sk_buff *skb) { return 2; }

SEC("tc") int core(struct __sk_buff *skb)
{
	struct task_struct *task = 0;
	int size = hidden(__builtin_preserve_type_info(*task, TYPE_SIZE));
	int at = hidden(__builtin_preserve_field_info(task->pid, FIELD_OFFSET));
	int there = hidden(__builtin_preserve_field_info(task->no_such_field, FIELD_EXISTS));

	TAIL_CALL(skb, &jmp_table, 0);
	return 4 * size + 2 * at + there;
}
