// Command stress judges live code patching of BPF tail calls: it asks engines whether
// a subject (a protocol, a poke method, a grace-period flavour, a layout, a shape) keeps
// its properties, and says what they saw.
//
//	stress                       the main job: the default subject, every engine
//	stress run [flags]           the same for any subject
//	stress mutants [NAME...]     the zoo: faults that must be found, and innocents
//	stress soak --duration 24h   a long run on this machine's CPUs
//	stress model | disasm | list | doctor | version | completion
//
// Results go to standard output, progress, the seed and errors to standard error; with
// --json standard output carries exactly one object. What the exit codes mean stands in
// exit.go and in "stress help exit-codes".
//
// A verb is a file. judge.go holds the way that run, soak, model and the main job share:
// flags, [stress.Run], report, exit code. The command knows no engine, no protocol and
// no property of its own: it presents package stress and imports nothing else of this
// module.
package main
