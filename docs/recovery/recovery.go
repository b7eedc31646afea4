// Package recovery holds the two scripts that get backups out of a vault
// without russet, as they lie in this folder: one goes into every vault and
// every kit, the other into every backup.
package recovery

import _ "embed"

//go:embed open-keys.py
var openKeys string

//go:embed get-files.py
var getFiles string

// OpenKeys opens the keys file of a vault, with Python alone.
func OpenKeys() string { return openKeys }

// GetFiles makes the owner's files, or a MobileSync folder, of what kopia has
// restored.
func GetFiles() string { return getFiles }
