// Package affected asks the running kernel which of the known faults of tail calls it has:
//
//	Faults  what is known of them: the commit that mended it, in which versions it was
//	Run     one experiment for each, and what the kernel did there
//
// A row is what an experiment showed, never what a version number says: distributions mend old
// kernels, and break new ones. An experiment has a control, the same without what the fault needs,
// so that a kernel that can do neither is not accused. It bounds itself, so that it ends on a
// kernel that has the fault. Races may be there and not be seen: their row says how often they
// were tried.
//
// A file is one fault, or a few that need the same programs. What it does in the kernel and what it
// makes of that are two functions: tests hand the second one what no kernel at hand does.
//
// It judges nothing but the kernel, and touches no map and no program that it did not make.
package affected
