// Package chart draws figures on two axes as SVG: lines over time, and bars of a distribution.
//
//	title                  what is drawn, with its unit
//	  30 |      ____ name  lines have their name where they end, and a pattern of their own
//	  20 |  ___/
//	   0 |_/________       a linear axis begins at zero; a logarithmic one says that it is one
//	      0   10   20
//	              minutes
//
// A drawing has classes and no style: the page that it stands on says how they look. Its description
// says in words what the lines show, for people who do not see them.
package chart
