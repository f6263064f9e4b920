// Package deb fetches kernel images of Debian, and keeps them: what a virtual machine boots.
//
//	~/.cache/tailpoke/kernels/6.1.0-56-amd64/vmlinuz    the image, and its config
//	~/.cache/tailpoke/kernels/apt                       apt's lists, some 200 MB
//	~/.cache/tailpoke/kernels/lock                      held by the one that fetches
//
// [Fetch] asks apt, because apt knows where a package is, verifies it against Debian's keys, and
// knows the proxy of the machine. It is given a configuration of its own, with suites from
// bullseye to sid, and directories in the cache. Nothing is ever installed: with those suites,
// that would upgrade the machine. Of a package, the image and the config alone are read, and are
// written under names of ours.
//
// A kernel is in the cache as a whole or not at all: it is put together in a directory beside, and
// renamed. Whoever is ended by force leaves that directory to the next one, which removes it.
//
// What is missing is an error of one line: the programs, the keys, the network, or the package,
// with the names of those that are like it.
package deb
