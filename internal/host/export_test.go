package host

import "time"

// LookAt has the doctor take the system's own folders from below root, and
// listen to the network for so long.
func (h *Host) LookAt(root string, listen time.Duration) { h.root, h.listenFor = root, listen }
