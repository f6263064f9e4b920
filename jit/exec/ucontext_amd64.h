// Offsets into the kernel's ucontext (arch/x86/include/uapi/asm/ucontext.h,
// sigcontext.h) and siginfo, for the signal handlers.
#define UC_R8  40 // the first of 18 words: stepRegs has their order
#define UC_R11 64
#define UC_RSP 160
#define UC_RIP 168
#define UC_EFL 176
#define SI_CODE 8
#define SI_ADDR 16

#define TRAP_FLAG 0x100 // of rflags
