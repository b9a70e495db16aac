package delivery

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"chatbridge/e2e/harness"
)

// inside is set in the process that runs a test within a network of its own.
const inside = "CHATBRIDGE_TEST_NETWORK"

// resolver is where the name server listens inside.
const resolver = "127.0.0.53:53"

// network runs the calling test in a process with a network of its own, where
// every address of the world is this machine's, and reports whether this is that
// process. In the other one the test is over then.
func network(t *testing.T) bool {
	if os.Getenv(inside) != "" {
		everywhere(t)
		return true
	}
	apart := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		apart.Cloneflags |= syscall.CLONE_NEWUSER
		apart.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		apart.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	probe := exec.Command("true")
	probe.SysProcAttr = apart
	err := probe.Run()
	if _, without := exec.LookPath("ip"); err == nil && without != nil {
		err = without
	}
	if err != nil {
		if os.Getenv("CI") != "" && exec.Command("unshare", "-n", "true").Run() == nil {
			t.Fatalf("the gate needs a network namespace, and it can be had: %v", err)
		}
		t.Skipf("no network namespace can be had here: %v", err)
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	again.SysProcAttr = apart
	again.Env = append(os.Environ(), inside+"=1", harness.Handed(t))
	out, err := again.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(exit, err)
	}
	if err != nil {
		t.Errorf("in a network of its own:\n%s", out)
	} else {
		t.Logf("in a network of its own:\n%s", out)
	}
	return false
}

// everywhere makes every address local, and the test's name server the resolver.
func everywhere(t *testing.T) {
	t.Helper()
	dir := harness.Folder(t)
	for name, text := range map[string]string{
		"resolv.conf": "nameserver " + strings.TrimSuffix(resolver, ":53") + "\noptions timeout:2 attempts:2\n",
		"hosts":       "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 alias.test\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []string{
		"ip link set lo up", "ip route add local 0.0.0.0/0 dev lo", "ip -6 route add local ::/0 dev lo",
		"mount --make-rprivate /", "mount --bind " + dir + "/resolv.conf /etc/resolv.conf", "mount --bind " + dir + "/hosts /etc/hosts",
	} {
		words := strings.Fields(command)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	t.Cleanup(func() {
		for _, file := range []string{"/etc/resolv.conf", "/etc/hosts"} {
			_ = exec.Command("umount", file).Run() // they go with the process anyway
		}
	})
}
