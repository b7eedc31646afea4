package afc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// Info is what a device tells about a file.
type Info struct {
	Size      int64
	Mode      fs.FileMode // the type only: the service tells no permissions
	ModTime   time.Time
	BirthTime time.Time
	Links     int
	Target    string // of a symbolic link
}

// Info describes a file, not following a symbolic link.
func (c *Client) Info(ctx context.Context, path string) (Info, error) {
	params, err := names(opFileInfo, path)
	if err != nil {
		return Info{}, err
	}
	body, err := c.data(ctx, opFileInfo, path, params)
	if err != nil {
		return Info{}, err
	}
	facts, err := pairs(body)
	if err != nil {
		return Info{}, fmt.Errorf("afc stat %q: %w", path, err)
	}
	return Info{
		Size:      number(facts["st_size"]),
		Mode:      fileType(facts["st_ifmt"]),
		ModTime:   moment(facts["st_mtime"]),
		BirthTime: moment(facts["st_birthtime"]),
		Links:     int(number(facts["st_nlink"])),
		Target:    facts["LinkTarget"],
	}, nil
}

// Volume is the file system that holds the media folder.
type Volume struct {
	Model string // of the device
	Total int64  // bytes
	Free  int64  // bytes
}

// Volume asks how much room there is.
func (c *Client) Volume(ctx context.Context) (Volume, error) {
	body, err := c.data(ctx, opDeviceInfo, "", nil)
	if err != nil {
		return Volume{}, err
	}
	facts, err := pairs(body)
	if err != nil {
		return Volume{}, fmt.Errorf("afc read device info: %w", err)
	}
	return Volume{facts["Model"], number(facts["FSTotalBytes"]), number(facts["FSFreeBytes"])}, nil
}

// ReadDir lists the names in a folder, in the device's order, without "." and
// "..".
func (c *Client) ReadDir(ctx context.Context, path string) ([]string, error) {
	params, err := names(opReadDir, path)
	if err != nil {
		return nil, err
	}
	body, err := c.data(ctx, opReadDir, path, params)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, name := range strings.Split(string(body), "\x00") {
		switch {
		case name == "" || name == "." || name == "..":
		case strings.Contains(name, "/"):
			return nil, fmt.Errorf("afc read folder %q: the device sent the name %q", path, name)
		default:
			list = append(list, name)
		}
	}
	return list, nil
}

// pairs reads "key\0value\0key\0value\0".
func pairs(body []byte) (map[string]string, error) {
	fields := strings.Split(string(bytes.TrimSuffix(body, []byte{0})), "\x00")
	if len(fields)%2 != 0 {
		return nil, errors.New("the answer ends within a pair")
	}
	facts := make(map[string]string, len(fields)/2)
	for i := 0; i < len(fields); i += 2 {
		facts[fields[i]] = fields[i+1]
	}
	return facts, nil
}

// number reads a decimal number; what is none, or negative, is 0.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// moment reads nanoseconds since 1970.
func moment(s string) time.Time {
	if n := number(s); n > 0 {
		return time.Unix(0, n).UTC()
	}
	return time.Time{}
}

func fileType(s string) fs.FileMode {
	switch s {
	case "S_IFREG":
		return 0
	case "S_IFDIR":
		return fs.ModeDir
	case "S_IFLNK":
		return fs.ModeSymlink
	case "S_IFBLK":
		return fs.ModeDevice
	case "S_IFCHR":
		return fs.ModeDevice | fs.ModeCharDevice
	case "S_IFIFO":
		return fs.ModeNamedPipe
	case "S_IFSOCK":
		return fs.ModeSocket
	default:
		return fs.ModeIrregular
	}
}
