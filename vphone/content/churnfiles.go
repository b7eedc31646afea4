package content

import (
	"fmt"
	"path"
	"strings"
	"time"

	"russet/vphone/content/internal/dice"
	"russet/vphone/disk"
)

// candidates is how many files of applications a day chooses among.
const candidates = 4096

// applications changes, adds, renames and deletes files in the containers of
// applications, and rewrites a few preferences.
func (c *churner) applications() {
	d := c.roll("applications")
	chosen, total := c.candidates(d)
	if c.err != nil || len(chosen) == 0 {
		return
	}
	next := func() *disk.Entry {
		if len(chosen) == 0 {
			return nil
		}
		e := chosen[0]
		chosen = chosen[1:]
		return e
	}
	for range min(c.some(total, 3), candidates/2) {
		if e := next(); e != nil {
			c.rewrite(d, e)
		}
	}
	for i := range min(c.some(total/2, 3), candidates/4) {
		if e := next(); e != nil {
			c.add(d, e, i)
		}
	}
	for range min(c.some(total/20, 1), candidates/16) {
		if e := next(); e != nil {
			c.remove(e.Domain, e.Path)
		}
	}
	for range min(c.some(total/50, 1), candidates/32) {
		if e := next(); e != nil {
			c.rename(e)
		}
	}
}

// candidates draws files among those that applications and preferences keep,
// each as likely as the other, and counts them all.
func (c *churner) candidates(d *dice.Dice) (chosen []*disk.Entry, total int64) {
	if c.err != nil {
		return nil, 0
	}
	err := c.disk.Walk(func(e *disk.Entry) error {
		if e.Kind != disk.File || e.Size == 0 || !changeable(e) {
			return nil
		}
		total++
		at := int64(len(chosen))
		if at == candidates {
			if at = d.Int64N(total); at >= candidates {
				return nil
			}
		} else {
			chosen = append(chosen, nil)
		}
		kept := *e
		chosen[at] = &kept
		return nil
	})
	c.fail(err)
	d.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen, total
}

func changeable(e *disk.Entry) bool {
	if strings.HasPrefix(e.Domain, "AppDomain-") {
		return strings.HasPrefix(e.Path, "Library/")
	}
	return e.Domain == "HomeDomain" && strings.HasPrefix(e.Path, "Library/Preferences/") && !e.EncryptedOnly
}

// likeness is what a changed file holds: the same kind of thing.
func (c *churner) likeness(d *dice.Dice, domain, name string, size int64, attributes ...with) {
	seed := d.Uint64()
	switch {
	case size > 16_000 || strings.HasSuffix(name, ".jpg") || strings.HasSuffix(name, ".bin"):
		c.media(domain, name, nil, seed, size, attributes...)
	case strings.HasSuffix(name, ".plist"):
		c.bytesFile(domain, name, c.somePlist(seed, size), attributes...)
	default:
		c.bytesFile(domain, name, c.someJSON(seed, size), attributes...)
	}
}

// moment is a time of the day, to the second.
func (c *churner) moment(d *dice.Dice) time.Time { return d.Time(c.from, c.now) }

func (c *churner) rewrite(d *dice.Dice, e *disk.Entry) {
	c.likeness(d, e.Domain, e.Path, e.Size+int64(d.IntN(200)), as(e), modified(c.moment(d)))
	c.report.Changed++
}

func (c *churner) add(d *dice.Dice, beside *disk.Entry, i int) {
	name := path.Join(path.Dir(beside.Path), fmt.Sprintf("new-%d-%d%s", c.now.Unix(), i, path.Ext(beside.Path)))
	c.likeness(d, beside.Domain, name, beside.Size, at(c.moment(d)))
	c.report.Added++
}

func (c *churner) rename(e *disk.Entry) {
	if c.err != nil {
		return
	}
	r, err := c.disk.Open(e.Domain, e.Path)
	if err != nil {
		c.fail(err)
		return
	}
	defer r.Close()
	renamed := *e
	renamed.Path = path.Join(path.Dir(e.Path), fmt.Sprintf("renamed-%d-%s", c.now.Unix()/86400, path.Base(e.Path)))
	if len(path.Base(renamed.Path)) > 255 {
		return
	}
	renamed.ChangeTime = c.now
	if err := c.disk.Put(&renamed, r); err != nil {
		c.fail(err)
		return
	}
	if err := c.disk.Remove(e.Domain, e.Path); err != nil {
		c.fail(err)
		return
	}
	c.report.Renamed++
}
