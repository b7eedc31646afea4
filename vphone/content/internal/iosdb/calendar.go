package iosdb

import (
	"time"

	"russet/vphone/content/internal/dice"
)

const calendarSchema = `
CREATE TABLE _SqliteDatabaseProperties (key TEXT, value TEXT, UNIQUE(key));
CREATE TABLE Store (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, type INTEGER, external_id TEXT, disabled INTEGER DEFAULT 0);
CREATE TABLE Calendar (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, store_id INTEGER, title TEXT, flags INTEGER, color TEXT, symbolic_color_name TEXT,
	external_id TEXT, UUID TEXT);
CREATE TABLE CalendarItem (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, summary TEXT, location_id INTEGER, description TEXT, start_date REAL,
	start_tz TEXT, end_date REAL, end_tz TEXT, all_day INTEGER, calendar_id INTEGER, orig_item_id INTEGER, organizer_id INTEGER, status INTEGER,
	availability INTEGER, url TEXT, last_modified REAL, has_recurrences INTEGER, has_attendees INTEGER, UUID TEXT, unique_identifier TEXT,
	entity_type INTEGER, creation_date REAL, calendar_scale TEXT);
CREATE TABLE Location (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, address TEXT, latitude REAL, longitude REAL, item_owner_id INTEGER);
CREATE TABLE Recurrence (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, frequency INTEGER, interval INTEGER, week_start INTEGER, count INTEGER,
	end_date REAL, specifier TEXT, owner_id INTEGER, UUID TEXT);
CREATE TABLE ExceptionDate (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, owner_id INTEGER, date REAL);
CREATE TABLE Identity (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, display_name TEXT, address TEXT, first_name TEXT, last_name TEXT);
CREATE TABLE Participant (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, entity_type INTEGER, type INTEGER, status INTEGER, owner_id INTEGER,
	identity_id INTEGER, email TEXT, UUID TEXT);
CREATE TABLE Alarm (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, trigger_date REAL, trigger_interval INTEGER, type INTEGER,
	calendaritem_owner_id INTEGER, UUID TEXT);
INSERT INTO Store VALUES (1, 'Default', 0, NULL, 0), (2, 'Birthdays', 5, NULL, 0);
INSERT INTO Calendar VALUES (1, 1, 'Home', 0, '#1BADF8', 'blue', NULL, NULL), (2, 1, 'Work', 0, '#63DA38', 'green', NULL, NULL),
	(3, 2, 'Birthdays', 0, '#8295AF', NULL, NULL, NULL);
CREATE INDEX CalendarItemStart ON CalendarItem(calendar_id, start_date);
CREATE INDEX CalendarItemUUID ON CalendarItem(UUID);
CREATE INDEX ParticipantOwner ON Participant(owner_id);`

// CreateCalendar makes Calendar.sqlitedb and enters the birthdays of people.
func CreateCalendar(db *DB, d *dice.Dice, people []dice.Person) {
	db.Script(calendarSchema)
	for _, p := range people {
		db.Exec(`INSERT INTO Identity(display_name, address, first_name, last_name) VALUES(?,?,?,?)`, p.Name(), "mailto:"+p.Email, text(p.First), text(p.Last))
		if p.Birthday.IsZero() {
			continue
		}
		item := db.Insert(`INSERT INTO CalendarItem(summary, start_date, end_date, start_tz, all_day, calendar_id, has_recurrences, UUID, entity_type,
			calendar_scale) VALUES(?,?,?,'_float',1,3,1,?,2,'gregorian')`, p.Name(), Cocoa(p.Birthday), Cocoa(p.Birthday), d.UUID())
		db.Exec(`INSERT INTO Recurrence(frequency, interval, owner_id) VALUES(4,1,?)`, item)
	}
}

// AddEvents writes n events between two times.
func AddEvents(db *DB, d *dice.Dice, n int, from, to time.Time) {
	people := db.Int(`SELECT count(*) FROM Identity`)
	for range n {
		start := d.Time(from, to).Truncate(15 * time.Minute)
		end := start.Add(time.Duration(d.Between(1, 12)) * 15 * time.Minute)
		zone := dice.Pick(d, []string{"Europe/Berlin", "Europe/Lisbon", "Asia/Tokyo", "_float"})
		weekly := d.Chance(10)
		id := d.UUID()
		item := db.Insert(`INSERT INTO CalendarItem(summary, description, start_date, start_tz, end_date, end_tz, all_day, calendar_id, status,
			last_modified, has_recurrences, UUID, unique_identifier, entity_type, creation_date) VALUES(?,?,?,?,?,?,?,?,1,?,?,?,?,2,?)`,
			d.Title(), text(d.Sentence()), Cocoa(start), zone, Cocoa(end), zone, d.Chance(10), d.Between(1, 2), Cocoa(from), weekly, id, id, Cocoa(from))
		if weekly {
			db.Exec(`INSERT INTO Recurrence(frequency, interval, owner_id) VALUES(2,1,?)`, item)
			db.Exec(`INSERT INTO ExceptionDate(owner_id, date) VALUES(?,?)`, item, Cocoa(start.AddDate(0, 0, 14)))
		}
		if d.Chance(40) {
			place := db.Insert(`INSERT INTO Location(title, address, latitude, longitude, item_owner_id) VALUES(?,?,?,?,?)`,
				d.Title(), d.Words(3), float64(d.Between(-60_000, 60_000))/1000, float64(d.Between(-170_000, 170_000))/1000, item)
			db.Exec(`UPDATE CalendarItem SET location_id = ? WHERE ROWID = ?`, place, item)
		}
		if people > 0 && d.Chance(25) {
			db.Exec(`INSERT INTO Participant(entity_type, status, owner_id, identity_id, UUID) VALUES(7,?,?,?,?)`, d.IntN(4), item, 1+d.Int64N(people), d.UUID())
		}
		db.Exec(`INSERT INTO Alarm(trigger_interval, type, calendaritem_owner_id, UUID) VALUES(-900,0,?,?)`, item, d.UUID())
	}
}
