package home

import "io/fs"

// administrator: whoever may do everything there leaves files that others may
// use as the folder says.
func administrator() bool { return false }

// ownerOf is not asked there.
func ownerOf(fs.FileInfo) int { return 0 }
