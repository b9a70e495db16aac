package harness

import (
	"fmt"
	"os/exec"
)

// LimitFiles bounds how large the files of another process may become, in bytes
// (RLIMIT_FSIZE, by prlimit(1)): for who writes them, the disk is full there. It
// works on Linux only.
func LimitFiles(pid int, bytes uint64) error {
	out, err := exec.Command("prlimit", fmt.Sprintf("--pid=%d", pid), fmt.Sprintf("--fsize=%d:", bytes)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("limit the files of process %d: %w: %s", pid, err, out)
	}
	return nil
}
