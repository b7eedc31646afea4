package host

import (
	"runtime"

	"golang.org/x/sys/windows"
)

// Flags of SetThreadExecutionState.
const (
	esSystemRequired = 0x00000001
	esContinuous     = 0x80000000
)

// keepAwakeBySystem holds the state on one thread: Windows forgets it when
// the thread ends.
func keepAwakeBySystem() (letSleep func(), ok bool) {
	set := windows.NewLazySystemDLL("kernel32.dll").NewProc("SetThreadExecutionState")
	if set.Find() != nil {
		return nil, false
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		set.Call(esContinuous | esSystemRequired) //nolint:errcheck // a failure means the computer may sleep
		<-done
		set.Call(esContinuous) //nolint:errcheck // the thread's end does the same
	}()
	return func() { close(done); <-ended }, true
}
