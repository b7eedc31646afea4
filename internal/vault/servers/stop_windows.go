package servers

import "errors"

// stop and goOn: Windows has no way for programs to make another stand still.
func stop(int) error { return errors.ErrUnsupported }

func goOn(int) error { return errors.ErrUnsupported }
