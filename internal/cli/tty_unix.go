//go:build unix

package cli

const ttyName = "/dev/tty"
