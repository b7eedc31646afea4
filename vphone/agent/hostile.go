package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"russet/vphone/agent/internal/link"
)

// hostilePatience is how long a host may think about one attack.
const hostilePatience = 30 * time.Second

// attack is a hostile phone at work on one host.
type attack struct {
	*session
	root string // the folder the phone may use
}

// scripts are the hostile scripts by name. Each tries its steps one after the
// other until the host hangs up.
func scripts() map[string]func(*attack) error {
	return map[string]func(*attack) error{
		"upload":          (*attack).uploads,
		"move":            (*attack).moves,
		"remove":          (*attack).removes,
		"copy":            (*attack).copies,
		"mkdir":           (*attack).mkdirs,
		"list":            (*attack).lists,
		"download":        (*attack).downloads,
		"link-in-the-way": (*attack).throughLink,
		"long-paths":      (*attack).longPaths,
		"arity":           (*attack).wrongArity,
		"unknown-message": (*attack).unknownMessage,
		"empty-array":     (*attack).emptyArray,
		"endless-folders": (*attack).endlessFolders,
		"endless-frames":  (*attack).endlessFrames,
		"endless-files":   (*attack).endlessFiles,
		"giant-path":      raw("a path of 4 GiB", []byte{0xFF, 0xFF, 0xFF, 0xFF, 'x'}, true),
		"giant-frame": raw("a frame of 4 GiB", append(
			link.AppendNames(nil, "/d", "x"), 0xFF, 0xFF, 0xFF, 0xFF, 0x0C, 'x'), true),
		"empty-frame": raw("a frame without a status", append(
			link.AppendNames(nil, "/d", "x"), 0, 0, 0, 0, 0, 0, 0, 1, 0), true),
		"giant-message":   raw("a message of 4 GiB", []byte{0xFF, 0xFF, 0xFF, 0xFF, 'b'}, false),
		"plist-garbage":   rawMessage("garbage", bytes.Repeat([]byte{0xA5}, 100)),
		"plist-empty":     rawMessage("no bytes", nil),
		"plist-truncated": rawMessage("a truncated list", []byte("bplist00\xA1\x01")),
		"plist-cycle":     rawMessage("a list that holds itself", cyclicPlist()),
		"plist-counts":    rawMessage("an array of 2^60 items", hugeCountPlist()),
		"plist-deep":      rawMessage("100,000 arrays in each other", deepPlist(100_000)),
		"plist-entities":  rawMessage("entities of entities", []byte(entityBomb)),
		"plist-no-array":  rawMessage("a dictionary", []byte(`<plist version="1.0"><dict/></plist>`)),
		"plist-no-name":   rawMessage("a name that is a number", []byte(`<plist version="1.0"><array><integer>1</integer></array></plist>`)),
	}
}

// Scripts returns the names of the hostile scripts, sorted.
func Scripts() []string { return slices.Sorted(maps.Keys(scripts())) }

// hostile runs a script instead of a backup and then claims success.
func (s *session) hostile(script string) error {
	run, ok := scripts()[script]
	if !ok {
		return fail(codeGeneric, nil, "No script is called %q", script)
	}
	return run(&attack{session: s, root: s.id.UDID})
}

// answered notes what the host said, and passes on what ended the session.
func (a *attack) answered(step string, status link.Status, err error) error {
	said := fmt.Sprintf("%d %s", status.Code, status.Text)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		said = "no answer"
	case err != nil:
		said = "hung up: " + err.Error()
	}
	if items := status.Items(); status.Code == link.CodeMulti {
		for _, path := range slices.Sorted(maps.Keys(items)) {
			said += fmt.Sprintf("; %.60q: %v", path, items[path])
		}
	}
	a.log.Info("hostile phone", "step", step, "said", said)
	a.faults.answered(step, said)
	return err
}

// ask tries one request.
func (a *attack) ask(name string, args ...any) error {
	step := fmt.Sprintf("%s %.120q", strings.TrimPrefix(strings.TrimPrefix(name, "DLMessage"), "DL"), fmt.Sprint(args...))
	if err := a.conn.SetReadDeadline(time.Now().Add(hostilePatience)); err != nil {
		return err
	}
	status, err := a.link.Request(name, args...)
	return a.answered(step, status, err)
}

// each tries a request on each of some names.
func each(names []string, try func(string) error) error {
	for _, name := range names {
		if err := try(name); err != nil {
			return err
		}
	}
	return nil
}

// outside are names of files a phone has no business with.
func (a *attack) outside() []string {
	return []string{
		"/tmp/vphone-escape", "../vphone-escape", a.root + "/../vphone-escape", a.root + "/../../vphone-escape",
		a.root + "/Snapshot/../../../vphone-escape", "..", ".", "", "/", a.root + "/..", "./vphone-escape",
		a.root + "//vphone-escape", a.root + "/./vphone-escape", a.root + "/vphone\x00escape", a.root + "\x00/vphone-escape",
		`..\vphone-escape`, `C:\vphone-escape`, a.root + `\..\..\vphone-escape`,
		a.root + "x/vphone-escape", "00008110-000000000000DEAD/Info.plist", ".russet/vphone-escape", "vphone-escape",
	}
}

func (a *attack) upload(host string) error {
	if err := a.conn.SetReadDeadline(time.Now().Add(hostilePatience)); err != nil {
		return err
	}
	if err := a.link.StartUpload(0, 6); err != nil {
		return a.answered("upload", link.Status{}, err)
	}
	frames := append(link.AppendNames(nil, "/.ba/mobile/x", host), 0, 0, 0, 7, 0x0C)
	frames = link.AppendEnd(append(frames, "escape"...))
	if err := a.link.Raw(frames); err != nil {
		return err
	}
	status, err := a.link.EndUpload()
	return a.answered(fmt.Sprintf("upload %.120q", host), status, err)
}

func (a *attack) uploads() error { return each(a.outside(), a.upload) }

func (a *attack) moves() error {
	return each(a.outside(), func(name string) error {
		inside := a.root + "/Info.plist"
		if err := a.ask("DLMessageMoveItems", map[string]any{inside: name}, map[string]any{}, 0.0); err != nil {
			return err
		}
		return a.ask("DLMessageMoveItems", map[string]any{name: a.root + "/stolen"}, map[string]any{}, 0.0)
	})
}

func (a *attack) removes() error {
	return each(append(a.outside(), "/etc/passwd"), func(name string) error {
		return a.ask("DLMessageRemoveItems", []string{name}, map[string]any{}, 0.0)
	})
}

func (a *attack) copies() error {
	return each(append(a.outside(), "/etc/passwd"), func(name string) error {
		if err := a.ask("DLMessageCopyItem", name, a.root+"/stolen", map[string]any{}, 0.0, 0); err != nil {
			return err
		}
		return a.ask("DLMessageCopyItem", a.root+"/Info.plist", name, map[string]any{}, 0.0, 0)
	})
}

func (a *attack) mkdirs() error {
	return each(a.outside(), func(name string) error {
		return a.ask("DLMessageCreateDirectory", name, map[string]any{}, 0.0)
	})
}

func (a *attack) lists() error {
	return each(append(a.outside(), "/etc"), func(name string) error {
		return a.ask("DLContentsOfDirectory", name, map[string]any{}, 0.0)
	})
}

// downloads asks for files of the host's own, and says how much it got.
func (a *attack) downloads() error {
	names := append(a.outside(), "/etc/passwd", "../../../../../../etc/passwd", a.root+"/../../../../../etc/passwd")
	// An empty name can't be told from the end of the answer.
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	return each(names, func(name string) error {
		if err := a.conn.SetReadDeadline(time.Now().Add(hostilePatience)); err != nil {
			return err
		}
		d, err := a.link.StartDownload(0, []string{name})
		if err != nil {
			return a.answered("download", link.Status{}, err)
		}
		got := int64(0)
		for {
			_, ok, err := d.Next()
			if err != nil {
				return a.answered(fmt.Sprintf("download %.120q", name), link.Status{}, err)
			}
			if !ok {
				break
			}
			n, err := io.Copy(io.Discard, d)
			got += n
			if _, refused := errors.AsType[*link.FileError](err); err != nil && !refused {
				return a.answered(fmt.Sprintf("download %.120q", name), link.Status{}, err)
			}
		}
		status, err := d.Finish()
		return a.answered(fmt.Sprintf("download %.120q: %d bytes", name, got), status, err)
	})
}

// throughLink goes through "link" in the phone's own folder, which the test
// has made a symbolic link that leads out of it.
func (a *attack) throughLink() error {
	inside := a.root + "/link/vphone-escape"
	o := map[string]any{}
	for _, try := range []func() error{
		func() error { return a.upload(inside) },
		func() error { return a.ask("DLMessageCreateDirectory", a.root+"/link/vphone-dir", o, 0.0) },
		func() error { return a.ask("DLContentsOfDirectory", a.root+"/link", o, 0.0) },
		func() error { return a.ask("DLMessageCopyItem", a.root+"/link", a.root+"/copy", o, 0.0, 0) },
		func() error {
			return a.ask("DLMessageMoveItems", map[string]any{a.root + "/Info.plist": inside}, o, 0.0)
		},
		func() error { return a.ask("DLMessageRemoveItems", []string{inside, a.root + "/link/victim"}, o, 0.0) },
		func() error { return a.upload(a.root + "/link") },
	} {
		if err := try(); err != nil {
			return err
		}
	}
	return nil
}
