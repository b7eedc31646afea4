package content

import (
	"bytes"
	"errors"
	"io"
	"os"

	"russet/vphone/content/internal/dice"
	"russet/vphone/content/internal/iosdb"
)

// block is the unit in which changes of a database are counted.
const block = 16 << 10

// messages lives the day in the message database: new ones at its end, read
// marks and deletions all over it.
func (c *churner) messages() {
	d := c.roll("messages")
	c.edit("HomeDomain", messagesPath, func(db *iosdb.DB) {
		c.fail(c.messageDay(db, d))
	})
	const draft = "Library/SMS/Drafts/composition.plist"
	if e, err := c.disk.Lookup("HomeDomain", draft); err == nil {
		c.plist(e.Domain, draft, map[string]any{"text": d.Sentence()}, as(e), modified(c.now))
		c.report.Changed++
	}
}

func (c *churner) messageDay(db *iosdb.DB, d *dice.Dice) error {
	size, err := db.Flush()
	if err != nil {
		return err
	}
	known := db.Int(`SELECT max(ROWID) FROM message`)
	files := iosdb.AddMessages(db, d, c.newMessages(known), attachEvery, c.from, c.now)
	c.attachments("MediaDomain", files)
	c.report.Added += len(files)
	for range max(share(size/block, c.pace.blocks, 10_000), 2) {
		iosdb.TouchMessage(db, d, known, c.now)
	}
	if _, err := db.Flush(); err != nil {
		return err
	}
	before := func() (io.ReadCloser, error) { return c.disk.Open("HomeDomain", messagesPath) }
	if c.report.MessagesDirtied, err = changedBlocks(before, db.Live()); err != nil {
		return err
	}
	stored, err := c.copy(db)
	if err != nil {
		return err
	}
	c.report.MessagesShifted, err = changedBlocks(before, stored)
	return err
}

// changedBlocks says how many blocks of the file after, in percent, are not
// what before has in the same place.
func changedBlocks(before func() (io.ReadCloser, error), after string) (float64, error) {
	old, err := before()
	if err != nil {
		return 0, err
	}
	defer old.Close()
	f, err := os.Open(after)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	a, b := make([]byte, block), make([]byte, block)
	var changed, all float64
	for {
		n, err := io.ReadFull(f, b)
		if errors.Is(err, io.EOF) {
			return 100 * changed / max(all, 1), nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, err
		}
		k, err := io.ReadFull(old, a)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, err
		}
		all++
		if !bytes.Equal(a[:k], b[:n]) {
			changed++
		}
	}
}
