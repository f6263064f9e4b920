// Command rewording finds what depends on the words that people read. It appends a letter to every
// string literal of the renderers, those of witnesses and those of reports, runs every test that
// these could reach, and says which fail. Only golden tests may: examples, and tests that have
// "Golden" in their names; they hold what is printed against what was printed before. Whatever else
// fails reads words where it should read fields. scripts/reword runs it.
//
// Left as they are: paths of imports; tags of structs, which name the fields of objects; the empty
// string where something is compared with it, which asks whether a field is there; the elements of a
// drawing; and the files that exempt lists, with the reasons.
//
// Source files are never changed: the go command reads the reworded ones in their place (-overlay).
// A failure must show twice, and the same test must pass on the tree as it is, so that a test which
// depends on the load of the machine is not taken for one that reads words.
package main
