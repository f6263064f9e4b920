// Package schema makes the JSON Schemas in docs/schemas, and holds documents against them. Only
// tests use it.
//
// A schema is made from the Go types that a document is written with, so it says what their tags
// say: which fields there are, which may be missing, which may be null. The words that a field may
// hold are the constants of its type, and its description is the comment of the field.
//
//	Hold     what a document's types say is what its file in docs/schemas says
//	Check    a document is as its schema says, and has no field that the schema does not know
//
// The files allow fields that they do not know, as readers must: see docs/stability.md. Check does
// not, so that a field cannot come without its schema.
package schema
