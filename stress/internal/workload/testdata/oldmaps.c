// Maps as they were before BTF. The test takes the types and sizes of all symbols away, as clang 7
// left them out.

struct map {
	unsigned type, key_size, value_size, max_entries, flags;
};

__attribute__((section("maps"), used)) struct map first = { 1, 4, 8, 3, 1 };
__attribute__((section("maps"), used)) struct map jumps = { 3, 4, 4, 5 };

static long (*tail_call)(void *ctx, void *map, unsigned key) = (void *)12;

static __attribute__((noinline)) int callee(void *ctx)
{
	tail_call(ctx, &jumps, 2);
	return 7;
}

__attribute__((section("classifier"), used)) int entry(void *ctx)
{
	int result = callee(ctx);

	if (result == 3)
		return 9;
	return result;
}

__attribute__((section("license"), used)) char gpl[] = "GPL";
