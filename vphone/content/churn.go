package content

import (
	"context"
	"errors"
	"fmt"
	"time"

	"russet/vphone/content/internal/dice"
	"russet/vphone/content/internal/iosdb"
	"russet/vphone/disk"
)

// Activity says how busy a day is.
type Activity string

// A light day touches at least one in a hundred of the message database's
// blocks of 16 KiB, a heavy one at least twelve.
const (
	LightDay Activity = "light"
	UsualDay Activity = "usual" // also the zero Activity
	HeavyDay Activity = "heavy"
)

// ChurnOptions say which day is lived. The same options change the same
// phone in the same way on every machine.
type ChurnOptions struct {
	Seed     uint64
	Day      int // 1 is the day after the phone was made
	Activity Activity
	// KeepPages stores changed databases with their pages where they were,
	// instead of a copy that VACUUM packed anew. Which of the two comes closer
	// to a real device is not known; to deduplication it makes all the
	// difference, because a row deleted early on moves all that follow.
	KeepPages bool
	Report    *Report // filled in unless nil
}

// Report says what a day did to a phone.
type Report struct {
	Added, Changed, Removed, Renamed int   // files, databases included
	Bytes                            int64 // content of the new and changed files

	// Of the blocks of 16 KiB of the message database, in percent, how many
	// differ from what the copy before has in the same place:
	MessagesDirtied float64 // in the open database
	MessagesShifted float64 // in the copy that is stored
}

// Churn lets the owner of a phone live one day: messages come in and are read
// or deleted, photos are taken, calls made, notes written, files saved,
// changed, renamed and deleted.
func Churn(ctx context.Context, d disk.Disk, o ChurnOptions) (err error) {
	pace, err := o.pace()
	if err != nil {
		return err
	}
	m, err := newMaker(ctx, d, o.Seed, fmt.Sprintf("day %d", o.Day), Day(o.Day))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	m.keepPages = o.KeepPages
	c := &churner{maker: m, pace: pace, from: Day(o.Day - 1), report: o.Report}
	if c.report == nil {
		c.report = new(Report)
	}
	*c.report = Report{}
	c.messages()
	c.people()
	c.diary()
	c.photos()
	c.applications()
	c.report.Bytes = m.bytes
	if m.err != nil {
		return fmt.Errorf("living day %d: %w", o.Day, m.err)
	}
	return nil
}

// pace is how much happens in a day.
type pace struct {
	share    int64 // of the files: changed ones in 10,000
	messages int64 // new ones in 10,000
	blocks   int64 // of the message database: touches in 10,000
	photos   int
	events   int
}

func (o ChurnOptions) pace() (pace, error) {
	switch o.Activity {
	case LightDay:
		return pace{share: 5, messages: 1, blocks: 40, photos: 1, events: 1}, nil
	case UsualDay, "":
		return pace{share: 20, messages: 3, blocks: 100, photos: 4, events: 3}, nil
	case HeavyDay:
		return pace{share: 60, messages: 6, blocks: 330, photos: 20, events: 8}, nil
	}
	return pace{}, fmt.Errorf("a day is %q, %q or %q, not %q", LightDay, UsualDay, HeavyDay, o.Activity)
}

// churner is a maker who finds a phone furnished.
type churner struct {
	*maker
	pace   pace
	from   time.Time // the morning before
	report *Report
}

// some is how many of n files the day touches, but at least least.
func (c *churner) some(n int64, least int) int {
	return max(int(share(n, c.pace.share, 10_000)), least)
}

// newMessages is how many come after n known ones.
func (c *churner) newMessages(n int64) int {
	return max(int(share(n, c.pace.messages, 10_000)), c.pace.events*5)
}

// edit changes a database, unless the phone has none of that name.
func (c *churner) edit(domain, path string, change func(*iosdb.DB)) {
	if c.err != nil {
		return
	}
	before, err := c.disk.Lookup(domain, path)
	if errors.Is(err, disk.ErrNotExist) {
		return
	}
	if err != nil {
		c.fail(err)
		return
	}
	r, err := c.disk.Open(domain, path)
	if err != nil {
		c.fail(err)
		return
	}
	db, err := iosdb.Edit(c.ctx, c.tmp, r)
	if err = errors.Join(err, r.Close()); err != nil {
		c.fail(err)
		return
	}
	change(db)
	c.store(db, domain, path, as(before))
	c.report.Changed++
}

// as keeps what a change of content leaves as it was.
func as(before *disk.Entry) with {
	return func(e *disk.Entry) {
		e.Mode, e.UID, e.GID, e.Inode, e.Birth = before.Mode, before.UID, before.GID, before.Inode, before.Birth
		e.Class, e.Flags, e.XAttrs, e.EncryptedOnly = before.Class, before.Flags, before.XAttrs, before.EncryptedOnly
	}
}

func (c *churner) people() {
	d := c.roll("people")
	people := dice.People(c.seed, plans[0].people)
	c.edit("HomeDomain", contactsPath, func(db *iosdb.DB) {
		for range c.pace.events {
			iosdb.EditContact(db, d, c.now)
		}
		if d.Chance(30) {
			iosdb.AddContact(db, d, dice.People(d.Uint64(), 1)[0], c.now)
		}
	})
	c.edit("HomeDomain", callsPath, func(db *iosdb.DB) { iosdb.AddCalls(db, d, people, c.pace.events*2, c.from, c.now) })
	c.edit(whatsAppGroup, whatsAppPath, func(db *iosdb.DB) {
		files := iosdb.AddWhatsApp(db, d, c.newMessages(db.Int(`SELECT count(*) FROM ZWAMESSAGE`)), attachEvery, c.from, c.now)
		c.attachments(whatsAppGroup, files)
		c.report.Added += len(files)
	})
}

func (c *churner) diary() {
	d := c.roll("diary")
	c.edit(notesGroup, notesPath, func(db *iosdb.DB) {
		media := iosdb.AddNotes(db, d, c.pace.events, c.from, c.now)
		c.noteMedia(media)
		c.report.Added += len(media)
	})
	c.edit("HomeDomain", calendarPath, func(db *iosdb.DB) { iosdb.AddEvents(db, d, c.pace.events, c.now, c.now.AddDate(0, 2, 0)) })
	c.edit("HomeDomain", historyPath, func(db *iosdb.DB) { iosdb.AddVisits(db, d, c.pace.events*12, c.from, c.now) })
	c.edit("WirelessDomain", dataUsagePath, func(db *iosdb.DB) { iosdb.AddUsage(db, d, c.now) })
	c.edit("HealthDomain", healthPath, func(db *iosdb.DB) {
		iosdb.AddSamples(db, d, c.some(db.Int(`SELECT count(*) FROM samples`), 40), c.from, c.now)
	})
}

func (c *churner) photos() {
	d := c.roll("photos")
	var gone []string
	c.edit(cameraRoll, photosPath, func(db *iosdb.DB) {
		first, before := iosdb.Assets(db), c.files
		for i := range c.pace.photos {
			when := c.from.Add(time.Duration(i+1) * 20 * time.Minute)
			a := c.asset(d, first+i, when, i%20 == 7)
			a.Size = c.usualPhoto(d)
			c.addAsset(db, d, a)
		}
		c.report.Added += c.files - before
		if dir, name := iosdb.RandomAsset(db, d); name != "" {
			iosdb.RemoveAsset(db, dir, name)
			gone = []string{"Media/" + dir + "/" + name, "Media/PhotoData/Thumbnails/V2/" + dir + "/" + name}
		}
	})
	for _, path := range gone {
		c.remove(cameraRoll, path)
	}
}

// usualPhoto is a size like that of the phone's other photos.
func (c *churner) usualPhoto(d *dice.Dice) int64 {
	e, err := c.disk.Lookup(cameraRoll, "Media/DCIM/100APPLE/IMG_0001.JPG")
	if err != nil {
		return int64(d.Between(60_000, 120_000))
	}
	return e.Size/2 + d.Int64N(e.Size+1)
}

func (c *churner) remove(domain, path string) {
	if c.err != nil {
		return
	}
	switch err := c.disk.Remove(domain, path); {
	case err == nil:
		c.report.Removed++
	case !errors.Is(err, disk.ErrNotExist):
		c.fail(err)
	}
}
