// Package browser opens pages in a headless Chromium, for tests: it presses keys, looks at what stands
// there, and notes what a page asks the network for and what it complains about. The browser has no
// names of hosts, so that a page can reach this machine alone.
package browser
