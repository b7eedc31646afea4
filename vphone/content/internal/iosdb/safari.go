package iosdb

import (
	"fmt"
	"time"

	"russet/vphone/content/internal/dice"
)

const bookmarkSchema = `
CREATE TABLE bookmarks (id INTEGER PRIMARY KEY AUTOINCREMENT, special_id INTEGER DEFAULT 0, parent INTEGER, type INTEGER, title TEXT,
	url TEXT COLLATE NOCASE, num_children INTEGER DEFAULT 0, editable INTEGER DEFAULT 1, deletable INTEGER DEFAULT 1, hidden INTEGER DEFAULT 0,
	hidden_ancestor_count INTEGER DEFAULT 0, order_index INTEGER NOT NULL, external_uuid TEXT UNIQUE, read INTEGER DEFAULT NULL,
	last_modified REAL DEFAULT NULL, server_id TEXT, sync_key TEXT, added INTEGER DEFAULT 1, deleted INTEGER DEFAULT 0,
	extra_attributes BLOB DEFAULT NULL, local_attributes BLOB DEFAULT NULL, fetched_icon BOOL DEFAULT 0, icon BLOB DEFAULT NULL);
CREATE TABLE folder_ancestors (id INTEGER PRIMARY KEY AUTOINCREMENT, folder_id INTEGER NOT NULL, ancestor_id INTEGER NOT NULL);
CREATE TABLE sync_properties (key TEXT NOT NULL UNIQUE ON CONFLICT REPLACE, value TEXT);
INSERT INTO bookmarks(id, special_id, parent, type, title, order_index, external_uuid) VALUES
	(0, 0, NULL, 1, 'Root', 0, 'Root'), (1, 1, 0, 1, 'BookmarksBar', 0, 'Favorites Bar'), (2, 2, 0, 1, 'BookmarksMenu', 1, 'Bookmarks Menu'),
	(3, 3, 0, 1, 'com.apple.ReadingList', 2, 'com.apple.ReadingList');
CREATE INDEX bookmarks_parent_index ON bookmarks(parent, order_index);
CREATE INDEX bookmarks_deleted_index ON bookmarks(deleted);`

const historySchema = `
CREATE TABLE history_items (id INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL UNIQUE, domain_expansion TEXT, visit_count INTEGER NOT NULL,
	daily_visit_counts BLOB NOT NULL, weekly_visit_counts BLOB, autocomplete_triggers BLOB, should_recompute_derived_visit_counts INTEGER NOT NULL,
	visit_count_score INTEGER NOT NULL, status_code INTEGER NOT NULL DEFAULT 0);
CREATE TABLE history_visits (id INTEGER PRIMARY KEY AUTOINCREMENT, history_item INTEGER NOT NULL REFERENCES history_items(id) ON DELETE CASCADE,
	visit_time REAL NOT NULL, title TEXT, load_successful BOOLEAN NOT NULL DEFAULT 1, http_non_get BOOLEAN NOT NULL DEFAULT 0,
	synthesized BOOLEAN NOT NULL DEFAULT 0, redirect_source INTEGER UNIQUE, redirect_destination INTEGER UNIQUE, origin INTEGER NOT NULL DEFAULT 0,
	generation INTEGER NOT NULL DEFAULT 0, attributes INTEGER NOT NULL DEFAULT 0, score INTEGER NOT NULL DEFAULT 0);
CREATE TABLE history_tombstones (id INTEGER PRIMARY KEY AUTOINCREMENT, start_time REAL NOT NULL, end_time REAL NOT NULL, url TEXT,
	generation INTEGER NOT NULL DEFAULT 0);
CREATE TABLE metadata (key TEXT NOT NULL UNIQUE, value);
CREATE INDEX history_items__domain_expansion ON history_items(domain_expansion);
CREATE INDEX history_visits__last_visit ON history_visits(history_item, visit_time DESC, synthesized ASC);
CREATE INDEX history_visits__origin ON history_visits(origin, generation);`

func address(d *dice.Dice) string {
	return fmt.Sprintf("https://www.example.%s/%s/%d", dice.Pick(d, []string{"org", "com", "net"}), dice.Pick(d, []string{"news", "recipes", "maps", "shop", "wiki"}), d.IntN(5000))
}

// CreateBookmarks makes Bookmarks.db with n bookmarks, some of them on the
// reading list.
func CreateBookmarks(db *DB, d *dice.Dice, n int, from, to time.Time) {
	db.Script(bookmarkSchema)
	for i := range n {
		parent, read := int64(d.Between(1, 2)), any(nil)
		if d.Chance(20) {
			parent, read = 3, d.IntN(2)
		}
		db.Exec(`INSERT INTO bookmarks(parent, type, title, url, order_index, external_uuid, read, last_modified) VALUES(?,0,?,?,?,?,?,?)`,
			parent, d.Title(), address(d), i, d.UUID(), read, float64(d.Time(from, to).Unix()))
	}
	db.Exec(`UPDATE bookmarks SET num_children = (SELECT count(*) FROM bookmarks c WHERE c.parent = bookmarks.id) WHERE type = 1`)
}

// CreateHistory makes History.db.
func CreateHistory(db *DB) { db.Script(historySchema) }

// AddVisits writes n visits of pages between two times.
func AddVisits(db *DB, d *dice.Dice, n int, from, to time.Time) {
	step := to.Sub(from) / time.Duration(max(n, 1))
	for i := range n {
		url := address(d)
		db.Exec(`INSERT INTO history_items(url, domain_expansion, visit_count, daily_visit_counts, should_recompute_derived_visit_counts, visit_count_score)
			VALUES(?,'example',1,x'64000000',0,100) ON CONFLICT(url) DO UPDATE SET visit_count = visit_count + 1`, url)
		item := db.Int(`SELECT id FROM history_items WHERE url = ?`, url)
		db.Exec(`INSERT INTO history_visits(history_item, visit_time, title, origin) VALUES(?,?,?,?)`,
			item, Cocoa(from.Add(step*time.Duration(i))), d.Title(), d.IntN(2))
	}
}
