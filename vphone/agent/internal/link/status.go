package link

import "fmt"

// Status codes of DeviceLink.
const (
	CodeOK       = 0
	CodeError    = -1
	CodeNotFound = -6
	CodeExists   = -7
	CodeIO       = -11
	CodeMulti    = -13
	CodeNoSpace  = -15
)

// Status is the host's answer to a request.
type Status struct {
	Code  int64
	Text  string
	Extra any
}

// ItemError is what failed for one path of a request with many.
type ItemError struct {
	Code int64
	Text string
}

// Error reads as "no such file (-6)".
func (e *ItemError) Error() string { return fmt.Sprintf("%s (%d)", e.Text, e.Code) }

// Items are the paths that failed; it is only asked of a CodeMulti.
func (s Status) Items() map[string]*ItemError {
	extra, _ := s.Extra.(map[string]any)
	items := make(map[string]*ItemError, len(extra))
	for path, v := range extra {
		item := &ItemError{Code: CodeError}
		if d, ok := v.(map[string]any); ok {
			if code, ok := d["DLFileErrorCode"].(int64); ok {
				item.Code = code
			}
			item.Text, _ = d["DLFileErrorString"].(string)
		}
		items[path] = item
	}
	return items
}

// Failure is a request the host refused.
type Failure struct {
	Request string
	Status  Status
}

// Error reads as "DLMessageMoveItems: No such file (-6)".
func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %s (%d)", f.Request, f.Status.Text, f.Status.Code)
}

// Err is nil for a good status. One item's own code stands for a batch of one.
// [D]
func (s Status) Err(request string, paths ...string) error {
	if s.Code == CodeOK {
		return nil
	}
	if s.Code == CodeMulti && len(paths) == 1 {
		if item := s.Items()[paths[0]]; item != nil {
			s.Code, s.Text = item.Code, item.Text
		}
	}
	return &Failure{Request: request, Status: s}
}

// Request sends a message and waits for its status.
func (c *Conn) Request(name string, args ...any) (Status, error) {
	if err := c.Send(name, args...); err != nil {
		return Status{}, err
	}
	return c.status()
}

func (c *Conn) status() (Status, error) {
	name, args, err := c.Receive()
	if err != nil {
		return Status{}, err
	}
	if name != "DLMessageStatusResponse" {
		return Status{}, broken("%q instead of a status", name)
	}
	if len(args) != 3 {
		// The receiver of phones says "too few components". [D]
		return Status{Code: CodeError, Text: fmt.Sprintf("a status of %d items", len(args)+1)}, nil
	}
	code, ok := args[0].(int64)
	if !ok {
		return Status{}, broken("status code %v", args[0])
	}
	s := Status{Code: code, Extra: args[2]}
	if text, ok := args[1].(string); ok && text != Empty {
		s.Text = text
	}
	return s, nil
}
