// Package bundle keeps all that is known of one finding in one file, which can be taken to another
// machine: a zip archive with
//
//	bundle.json       the finding, what was judged and how, and where: a [Bundle]
//	witness.json      a counterexample of the subject, as stress replay takes it
//	script.txt        the calls up to the finding, as stress run --script takes them
//	shrunk.txt        fewer calls that break the same property
//	trace.txt         what the patcher did with these calls, as stress conform takes it
//	images/NAME.bin   the machine code of each program; images/listing.txt says what it is
//	log.txt           what a kernel wrote, or where threads stood
//
// of which those are left out that there are none of. The file is written whole or not at all. Names,
// paths and addresses of the machine are taken out of its texts: see [Scrubber].
package bundle
