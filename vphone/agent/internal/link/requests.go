package link

import "fmt"

// Names of the requests whose failures have a meaning of their own.
const (
	freeRequest  = "DLMessageGetFreeDiskSpace"
	purgeRequest = "DLMessagePurgeDiskSpace"
)

// DeviceLink versions at which requests came up. [D]
const (
	versionItems = 200 // MoveItems and RemoveItems instead of …Files
	versionFree  = 300
	versionPurge = 400
)

func (c *Conn) do(paths []string, name string, args ...any) error {
	status, err := c.Request(name, args...)
	if err != nil {
		return err
	}
	return status.Err(name, paths...)
}

// Mkdir makes a folder; one that is there already is fine.
func (c *Conn) Mkdir(path string, progress float64) error {
	const name = "DLMessageCreateDirectory"
	status, err := c.Request(name, path, map[string]any{}, progress)
	if err != nil || status.Code == CodeExists {
		return err
	}
	return status.Err(name, path)
}

// Move renames files on the host.
func (c *Conn) Move(items map[string]string, progress float64) error {
	name := "DLMessageMoveItems"
	if c.version < versionItems {
		name = "DLMessageMoveFiles"
	}
	moves := make(map[string]any, len(items))
	paths := make([]string, 0, len(items))
	for from, to := range items {
		moves[from] = to
		paths = append(paths, from)
	}
	return c.do(paths, name, moves, map[string]any{}, progress)
}

// Remove removes files and folders on the host; missing ones are fine. [D]
func (c *Conn) Remove(paths []string, progress float64) error {
	name := "DLMessageRemoveItems"
	if c.version < versionItems {
		name = "DLMessageRemoveFiles"
	}
	status, err := c.Request(name, paths, map[string]any{}, progress)
	if err != nil || status.Code == CodeNotFound {
		return err
	}
	if status.Code == CodeMulti {
		items := status.Items()
		missing := len(items) > 0
		for _, item := range items {
			missing = missing && item.Code == CodeNotFound
		}
		if missing {
			return nil
		}
	}
	return status.Err(name, paths...)
}

// Copy copies a file or a folder tree on the host.
func (c *Conn) Copy(from, to string, progress float64) error {
	return c.do([]string{from}, "DLMessageCopyItem", from, to, map[string]any{}, progress, 0)
}

// Free asks how many bytes the host has left. A phone that speaks to an old
// host does not ask; ok is then false, as it is when the host can't tell. [D]
func (c *Conn) Free() (free int64, ok bool, err error) {
	if c.version < versionFree {
		return 0, false, nil
	}
	status, err := c.Request(freeRequest)
	if err != nil {
		return 0, false, err
	}
	free, isNumber := status.Extra.(int64)
	return free, status.Code == CodeOK && isNumber, nil
}

// Purge asks the host to free some bytes. It is a *Failure when the host can't.
func (c *Conn) Purge(bytes int64) error {
	const urgency = 4 // the only one seen [T]
	if c.version < versionPurge {
		return &Failure{Request: purgeRequest, Status: Status{Code: CodeError, Text: "not supported"}}
	}
	return c.do(nil, purgeRequest, bytes, urgency)
}

// Info is one entry of a folder on the host.
type Info struct {
	Name string
	Dir  bool
	Size int64
}

// List lists a folder on the host, which is empty when it is not there: hosts
// answer both ways.
func (c *Conn) List(path string, progress float64) ([]Info, error) {
	const name = "DLContentsOfDirectory"
	status, err := c.Request(name, path, map[string]any{}, progress)
	if err != nil || status.Code == CodeNotFound {
		return nil, err
	}
	if err := status.Err(name, path); err != nil {
		return nil, err
	}
	extra, ok := status.Extra.(map[string]any)
	if !ok {
		return nil, broken("the listing of %q is no dictionary", path)
	}
	infos := make([]Info, 0, len(extra))
	for name, v := range extra {
		d, ok := v.(map[string]any)
		if !ok {
			return nil, broken("the listing of %q: %.60q is no dictionary", path, name)
		}
		info := Info{Name: name}
		switch kind := d["DLFileType"]; kind {
		case "DLFileTypeRegular":
		case "DLFileTypeDirectory":
			info.Dir = true
		case "DLFileTypeUnknown":
			continue
		default:
			return nil, broken("the listing of %q: type %.60q", path, fmt.Sprint(kind))
		}
		if info.Size, ok = d["DLFileSize"].(int64); !ok && !info.Dir {
			return nil, broken("the listing of %q: %.60q has no size", path, name)
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// Respond ends an operation.
func (c *Conn) Respond(response map[string]any) error {
	response["MessageName"] = "Response"
	return c.Send("DLMessageProcessMessage", response)
}
