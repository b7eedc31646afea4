package host

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"russet"
	"russet/internal/home"
)

// maxPassword bounds the line that holds a password.
const maxPassword = 64 << 10

// PasswordFromFile reads the first line of a file. Neither the line nor a part
// of it is ever in an error.
func PasswordFromFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", &russet.Error{
			Kind: russet.Usage, Doing: "read the password file", What: home.FileProblem(err),
			Hint: "the first line of that file is the password", Err: err,
		}
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxPassword)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password file: %w", err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return "", &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("the first line of the password file %q is empty", name),
			Hint: "write the password on its first line",
		}
	}
	return line, nil
}
