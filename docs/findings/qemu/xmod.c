/*
 * Does this CPU execute stale bytes of code that another one has changed, and made known?
 *
 * One thread changes five bytes of code, nop to jmp and back, as Linux changes its text: int3, the
 * tail, the head, through a second mapping. Another calls that code all the time. After each write
 * every CPU serialises (membarrier), and the executor ends two whole calls. A trap at int3 after all
 * that, while the bytes in memory have long been others, is of a stale translation.
 *
 * As the only file of an initramfs it is the first process of a guest:
 *
 *	gcc -O2 -static -pthread -o init xmod.c && echo init | cpio -o -H newc >initramfs
 *	qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -m 512M -nographic -no-reboot \
 *		-kernel vmlinuz -initrd initramfs -append "console=ttyS0 panic=-1 -- 60"
 *
 * It ends with a line of counts, and with 1 if there was a stale int3.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { SLOT = 64, SIZE = 5, SYNC_CORE = 1 << 5, REGISTER_SYNC_CORE = 1 << 6 };
static const uint8_t nop[SIZE] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 }, jmp[SIZE] = { 0xe9, 11, 0, 0, 0 };
static uint8_t *written, *executed; // the same page
static volatile long calls, traps, stale;
static volatile int poking;

static void trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	traps++;
	stale += !poking;
	c->uc_mcontext.gregs[REG_RIP] = (uint64_t)executed + SLOT + SIZE; // as the nop
}

static void *execute(void *unused)
{
	int (*f)(void) = (int (*)(void))(executed + SLOT);
	for (;; calls++)
		f();
	return unused;
}

static void settle(void)
{
	syscall(SYS_membarrier, SYNC_CORE, 0, 0);
	for (long until = calls + 2; calls < until;)
		__builtin_ia32_pause();
}

static void poke(const uint8_t *insn)
{
	poking = 1;
	written[SLOT] = 0xcc;
	settle();
	memcpy(written + SLOT + 1, insn + 1, SIZE - 1);
	settle();
	written[SLOT] = insn[0];
	settle();
	poking = 0;
	settle();
}

int main(int argc, char **argv)
{
	long seconds = argc > 1 ? atol(argv[argc - 1]) : 60, pokes = 0, bad = 0;
	int fd = memfd_create("code", 0);
	if (ftruncate(fd, 4096))
		return 2;
	executed = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	written = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memcpy(written + SLOT, nop, SIZE);
	memcpy(written + SLOT + SIZE, "\x31\xc0\xc3", 3);              // xor eax, eax; ret
	memcpy(written + SLOT + SIZE + 11, "\xb8\x01\x00\x00\x00\xc3", 6); // mov eax, 1; ret
	struct sigaction act = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };
	sigaction(SIGTRAP, &act, 0);
	syscall(SYS_membarrier, REGISTER_SYNC_CORE, 0, 0);
	pthread_t t;
	pthread_create(&t, 0, execute, 0);
	for (time_t end = time(0) + seconds; time(0) < end; pokes++) {
		long before = stale;
		poke(pokes & 1 ? nop : jmp);
		bad += stale != before;
	}
	printf("xmod: %ld pokes, %ld traps, stale int3 after %ld pokes\n", pokes, traps, bad);
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_AUTOBOOT);
	_exit(bad > 0);
}
