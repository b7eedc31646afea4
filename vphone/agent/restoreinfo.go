package agent

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"russet/vphone/agent/internal/link"
	"russet/vphone/internal/plist"
)

// checkVersion refuses a backup of a newer iOS. A missing Info.plist is fine.
// [D]
func (r *restore) checkVersion() error {
	info, err := r.info(r.source)
	if err != nil || info == nil {
		return err
	}
	if version, _ := info["Product Version"].(string); newer(version, r.id.ProductVersion) {
		return fail(codeVersion, nil, "Backup is from an incompatible OS version")
	}
	return nil
}

// info reads an Info.plist; it is nil when there is none.
func (r *restore) info(folder string) (map[string]any, error) {
	data, err := r.fetch(folder + "/Info.plist")
	if code, ok := linkCode(err); ok && code == link.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, reading(err, "Error reading Info.plist")
	}
	info, err := plist.UnmarshalDict(data)
	if err != nil {
		return nil, fail(codeDamaged, err, "Error reading Info.plist")
	}
	return info, nil
}

// newer compares versions like "18.6.1"; what is no number counts as 0.
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := component(as, i), component(bs, i)
		if x != y {
			return x > y
		}
	}
	return false
}

func component(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, err := strconv.Atoi(parts[i])
	if err != nil {
		return 0
	}
	return n
}

// copyOwnBackup makes the host keep a copy of this phone's own backup, as far
// as it has one and room for it. [D]
func (r *restore) copyOwnBackup() error {
	own := r.id.UDID
	info, err := r.info(own)
	if err != nil || info == nil {
		return err
	}
	size, err := r.treeSize(own)
	if err != nil {
		return err
	}
	if free, known, err := r.link.Free(); err != nil || known && free <= size+spaceMargin {
		return err
	}
	stamp := r.now().Local()
	name := own + "-" + stamp.Format("20060102-150405")
	if err := r.link.Copy(own, name, 0); err != nil {
		return writing(err, "Error copying the backup")
	}
	info["Target Identifier"] = name
	if display, ok := info["Display Name"].(string); ok {
		info["Display Name"] = display + " " + stamp.Format("2006-01-02 15:04:05")
	}
	data, err := plist.XML(info)
	if err != nil {
		return fmt.Errorf("encoding Info.plist: %w", err)
	}
	return r.uploadSmall("/var/tmp/tmp.0.info/Info.plist", path.Join(name, "Info.plist"), data, 0)
}

// treeSize adds up a backup of the host's, which is two levels deep.
func (r *restore) treeSize(root string) (int64, error) {
	total := int64(0)
	folders := []string{root}
	for depth := 0; depth < 3 && len(folders) > 0; depth++ {
		var next []string
		for _, folder := range folders {
			infos, err := r.link.List(folder, 0)
			if err != nil {
				return 0, reading(err, "Error listing %q", folder)
			}
			for _, info := range infos {
				if info.Dir {
					next = append(next, folder+"/"+info.Name)
				} else {
					total += info.Size
				}
			}
		}
		folders = next
	}
	return total, nil
}
