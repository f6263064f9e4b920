// Package process says what this process has of the system.
package process
