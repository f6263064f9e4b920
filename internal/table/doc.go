// Package table aligns rows of text in columns. Witnesses and reports print their tables by it.
package table
