// Package layouttest has the layouts that tests of every room go through.
package layouttest
