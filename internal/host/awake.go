package host

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// KeepAwake asks the system not to sleep until the returned function is called.
func (h *Host) KeepAwake(ctx context.Context, why string) (letSleep func()) {
	return keepAwake(ctx, why)
}

// keepAwake asks the system not to sleep until the returned function is
// called. Where it cannot be asked, nothing happens.
func keepAwake(ctx context.Context, why string) (letSleep func()) {
	if letSleep, ok := keepAwakeBySystem(); ok {
		return letSleep
	}
	name, args := awakeCommand(runtime.GOOS, why)
	if name == "" {
		return func() {}
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return func() {}
	}
	// Not bound to ctx's end: the run still commits after a cancel. The child
	// ends when this process does, however that happens: its input ends, or it
	// watches our process itself.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	// systemd hears of the service from the service alone, and complains of
	// others: systemd-inhibit, when it is refused, has something to say there.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "NOTIFY_SOCKET=") })
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() //nolint:errcheck // refused, or killed below
	}()
	return func() {
		io.Closer(in).Close()
		cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
		<-ended
	}
}

// awakeCommand is the program that holds sleep off on a system; "" if none.
func awakeCommand(system, why string) (name string, args []string) {
	switch system {
	case "linux":
		return "systemd-inhibit", []string{"--what=sleep:idle", "--who=russet", "--why=" + why, "cat"}
	case "darwin":
		return "caffeinate", []string{"-i", "-s", "-w", strconv.Itoa(os.Getpid())}
	default:
		return "", nil
	}
}
