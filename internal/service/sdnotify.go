package service

import (
	"net"
	"os"
	"strings"
)

// tellSystemd tells the service manager how it goes: READY=1, STOPPING=1,
// STATUS=…, as sd_notify(3) has it. Where none asked to be told, nothing happens.
func tellSystemd(words ...string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	// '@' is how the manager writes an abstract name; Go takes the same form.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(strings.Join(words, "\n")))
	return err
}

// statusWord is a STATUS= of one line.
func statusWord(text string) string {
	return "STATUS=" + strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
}
