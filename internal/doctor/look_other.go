//go:build unix && !linux

package doctor

func isPair(string) bool { return false }
