package agent

import (
	"encoding/hex"
	"fmt"
	"strings"

	"russet/vphone/agent/internal/link"
	"russet/vphone/agent/internal/manifest"
	"russet/vphone/agent/internal/mbfile"
	"russet/vphone/disk"
	"russet/vphone/internal/plist"
)

// scan looks at every entry of the phone: it writes the rows of directories
// and links, and counts the files that have to be sent.
func (b *backup) scan() error {
	b.apps = map[string]any{}
	var enc mbfile.Encoder
	var old, blob []byte
	domain := ""
	err := b.phone.Disk().Walk(func(e *disk.Entry) error {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if !b.wanted(e) {
			return nil
		}
		if e.Domain != domain {
			domain = e.Domain
			b.addApplication(domain)
		}
		sum := mbfile.Sum(e.Domain, e.Path)
		id := hex.EncodeToString(sum[:])
		same, err := b.unchanged(id, e, &old)
		if err != nil || same {
			return err
		}
		if e.Kind == disk.File {
			b.toSend += scanSize(e)
			b.filesLeft++
			if e.Class == 7 && b.encrypted {
				b.inactive = true
				if b.bag != nil && !b.bag.Has(e.Class) {
					return fmt.Errorf("%w: its keybag has no class 17", errStartOver)
				}
			}
			return nil
		}
		blob = enc.Append(blob[:0], archive(e))
		return b.db.Put(&manifest.Row{ID: id, Domain: e.Domain, Path: e.Path, Kind: kindOf(e), Blob: blob})
	})
	if err != nil {
		return fmt.Errorf("scanning the phone: %w", err)
	}
	return b.dropUnseen()
}

// wanted says whether an entry belongs into this backup.
func (b *backup) wanted(e *disk.Entry) bool { return b.encrypted || !e.EncryptedOnly }

// unchanged says whether the row of an entry stays as it is: only the whole
// seconds of the modification time are compared. [D]
func (b *backup) unchanged(id string, e *disk.Entry, buf *[]byte) (bool, error) {
	if b.fresh {
		return false, nil
	}
	blob, row, ok, err := b.db.Find(id, (*buf)[:0])
	if err != nil || !ok {
		return false, err
	}
	*buf = blob
	b.seen.Add(row)
	when, err := mbfile.ModTime(blob)
	if err != nil {
		return false, nil // a damaged row is written anew
	}
	return when == e.ModTime.Unix(), nil
}

// dropUnseen removes the rows of what is no longer on the phone.
func (b *backup) dropUnseen() error {
	files, others, err := b.db.Unseen(b.seen)
	if err != nil {
		return err
	}
	for _, id := range files {
		b.gone[parseID(id)] = true
	}
	return b.db.Delete(append(files, others...))
}

func kindOf(e *disk.Entry) int {
	switch e.Kind {
	case disk.Dir:
		return manifest.KindDir
	case disk.Symlink:
		return manifest.KindSymlink
	}
	return manifest.KindFile
}

// scanSize is the size a file had for the scan: for a database with a -wal it
// is not the length of the copy that is stored. [T]
func scanSize(e *disk.Entry) int64 {
	if e.ScanSize != 0 {
		return e.ScanSize
	}
	return e.Size
}

// maxXAttrs is above what phones keep of a file's extended attributes. [D]
const maxXAttrs = 2048

// dataless is the file flag (SF_DATALESS) of a file whose content is only in
// iCloud.
const dataless = 0x40000000

// isDataless also takes a file without content that had a size when scanned.
func isDataless(e *disk.Entry) bool {
	return e.Flags&dataless != 0 || e.Size == 0 && e.ScanSize > 0
}

// archive is what the row of an entry says, before its key and digest.
func archive(e *disk.Entry) *mbfile.File {
	f := &mbfile.File{
		Path: e.Path, Target: e.Target, Mode: e.Mode, ModTime: e.ModTime.Unix(),
		ChangeTime: e.ChangeTime.Unix(), Birth: e.Birth.Unix(), Inode: e.Inode,
		UID: e.UID, GID: e.GID, Class: e.Class, Flags: e.Flags &^ dataless,
	}
	if e.Kind == disk.File {
		f.Size = scanSize(e)
	}
	if len(e.XAttrs) > 0 {
		attrs := make(map[string]any, len(e.XAttrs))
		for name, value := range e.XAttrs {
			attrs[name] = value
		}
		if data, err := plist.Binary(attrs); err == nil && len(data) <= maxXAttrs {
			f.XAttrs = data
		}
	}
	return f
}

// hasDigest says which domains' rows carry a digest, as seen on iOS 14. [F]
func hasDigest(domain string) bool {
	switch domain {
	case "HomeDomain", "RootDomain", "HealthDomain", "WirelessDomain", "SystemPreferencesDomain", "DatabaseDomain",
		"HomeKitDomain", "InstallDomain", "ManagedPreferencesDomain", "KeyboardDomain", "KeychainDomain":
		return true
	}
	return false
}

// container is a kind of domain there are many of, each an app's or a group's.
type container struct{ prefix, class, root string }

func containers() []container {
	return []container{
		{"AppDomainGroup-", "Shared/AppGroup", "mobile/Containers/Shared/AppGroup"},
		{"AppDomainPlugin-", "Data/PluginKitPlugin", "mobile/Containers/Data/PluginKitPlugin"},
		{"AppDomain-", "Data/Application", "mobile/Containers/Data/Application"},
	}
}

// addApplication notes an app's container for Manifest.plist.
func (b *backup) addApplication(domain string) {
	for _, c := range containers() {
		if id, ok := strings.CutPrefix(domain, c.prefix); ok {
			b.apps[id] = map[string]any{
				"CFBundleIdentifier": id, "CFBundleVersion": "1", "ContainerContentClass": c.class,
				"Path": "/var/" + c.root + "/" + id,
			}
			return
		}
	}
}

// devicePath is where a file lies in the file-system snapshot the agent reads.
// Hosts must not make anything of it. [T]
func devicePath(domain, path string) string {
	const mount = "/.ba/"
	for _, c := range containers() {
		if id, ok := strings.CutPrefix(domain, c.prefix); ok {
			return mount + c.root + "/" + id + "/" + path
		}
	}
	return mount + domainRoot(domain) + "/" + path
}

func domainRoot(domain string) string {
	switch domain {
	case "BooksDomain":
		return "mobile/Media/Books"
	case "HealthDomain":
		return "mobile/Library"
	case "KeychainDomain":
		return "Keychains"
	case "SystemPreferencesDomain":
		return "preferences"
	case "WirelessDomain", "RootDomain", "ManagedPreferencesDomain", "MobileDeviceDomain", "ProtectedDomain":
		return strings.ToLower(strings.TrimSuffix(domain, "Domain"))
	case "DatabaseDomain":
		return "db"
	case "InstallDomain":
		return "installd"
	case "NetworkDomain":
		return "networkd"
	}
	return "mobile"
}

// shards calls fn for each of the folders files lie in.
func shards(fn func(shard string) error) error {
	for i := range 256 {
		if err := fn(fmt.Sprintf("%02x", i)); err != nil {
			return err
		}
	}
	return nil
}

// listed is what a folder on the host holds.
type listed map[string]link.Info

// list lists a folder and notes which of the 256 folders are in it.
func (b *backup) list(path string) (listed, error) {
	infos, err := b.link.List(path, 0)
	if err != nil {
		return nil, reading(err, "Error listing %q", path)
	}
	l := make(listed, len(infos))
	for _, info := range infos {
		l[info.Name] = info
	}
	return l, nil
}

// shard lists one folder of a listed parent, if it is there.
func (b *backup) shard(parent listed, root, shard string) (listed, error) {
	if !parent[shard].Dir {
		return nil, nil
	}
	return b.list(root + "/" + shard)
}
