//go:build unix && !linux

package pgtest

import "syscall"

// dieWithUs does nothing: this system can't tell.
func dieWithUs(*syscall.SysProcAttr) {}

// children are not known on this system; the server's end by themselves soon after
// their parent.
func children(int) []int { return nil }
