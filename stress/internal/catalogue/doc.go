// Package catalogue knows by name what a subject can be made of, and what this machine has for it:
//
//	Items     what there is: protocols, poke methods, graces, layouts, mutants, engines, properties
//	Choice    names, or files, that make a subject and its workload
//	Doctor    what this machine can do
//	Affected  which known faults the running kernel has
//	Identity  whether our compiler makes what the running kernel's makes, of which programs
//
// It judges nothing.
package catalogue
