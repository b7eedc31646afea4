package iosdb

import (
	"fmt"
	"time"

	"russet/vphone/content/internal/dice"
)

const contactSchema = `
CREATE TABLE _SqliteDatabaseProperties (key TEXT, value TEXT, UNIQUE(key));
INSERT INTO _SqliteDatabaseProperties VALUES ('_ClientVersion', '29');
CREATE TABLE ABStore (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT, Type INTEGER, Enabled INTEGER DEFAULT 1);
INSERT INTO ABStore VALUES (0, NULL, 0, 1);
CREATE TABLE ABPerson (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, First TEXT, Last TEXT, Middle TEXT, FirstPhonetic TEXT, MiddlePhonetic TEXT,
	LastPhonetic TEXT, Organization TEXT, Department TEXT, Note TEXT, Kind INTEGER, Birthday TEXT, JobTitle TEXT, Nickname TEXT, Prefix TEXT,
	Suffix TEXT, FirstSort TEXT, LastSort TEXT, CreationDate INTEGER, ModificationDate INTEGER, CompositeNameFallback TEXT, StoreID INTEGER,
	DisplayName TEXT, ExternalUUID TEXT, guid TEXT, PersonLink INTEGER DEFAULT -1, ImageURI TEXT, IsPreferredName INTEGER DEFAULT 1);
CREATE TABLE ABMultiValue (UID INTEGER PRIMARY KEY AUTOINCREMENT, record_id INTEGER, property INTEGER, identifier INTEGER, label INTEGER,
	value TEXT, guid TEXT);
CREATE TABLE ABMultiValueLabel (value TEXT, UNIQUE(value));
INSERT INTO ABMultiValueLabel VALUES ('_$!<Mobile>!$_'), ('_$!<Home>!$_'), ('_$!<Work>!$_'), ('_$!<HomePage>!$_');
CREATE TABLE ABMultiValueEntry (parent_id INTEGER, key INTEGER, value TEXT, UNIQUE(parent_id, key));
CREATE TABLE ABMultiValueEntryKey (value TEXT, UNIQUE(value));
INSERT INTO ABMultiValueEntryKey VALUES ('Street'), ('City'), ('ZIP'), ('Country'), ('CountryCode');
CREATE TABLE ABGroup (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT, ExternalIdentifier TEXT, StoreID INTEGER);
CREATE TABLE ABGroupMembers (UID INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER, member_type INTEGER, member_id INTEGER,
	UNIQUE(group_id, member_type, member_id));
CREATE INDEX ABPersonLastSort ON ABPerson(LastSort, FirstSort);
CREATE INDEX ABMultiValueRecord ON ABMultiValue(record_id, property);
CREATE INDEX ABMultiValueValue ON ABMultiValue(property, value);`

const contactImageSchema = `
CREATE TABLE _SqliteDatabaseProperties (key TEXT, value TEXT, UNIQUE(key));
CREATE TABLE ABFullSizeImage (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, record_id INTEGER, crop_x INTEGER, crop_y INTEGER, crop_width INTEGER,
	data BLOB);
CREATE TABLE ABThumbnailImage (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, record_id INTEGER, format INTEGER, derived_from_format INTEGER DEFAULT -1,
	data BLOB, UNIQUE(record_id, format));
CREATE INDEX ABFullSizeImageRecord ON ABFullSizeImage(record_id);`

// The numbers of properties in ABMultiValue.
const (
	abPhone   = 3
	abEmail   = 4
	abAddress = 5
	abURL     = 22
)

// CreateContacts writes AddressBook.sqlitedb; person i gets row i+1.
func CreateContacts(db *DB, d *dice.Dice, people []dice.Person, now time.Time) {
	db.Script(contactSchema)
	for _, p := range people {
		AddContact(db, d, p, now.Add(-time.Duration(d.Between(1, 2000))*24*time.Hour))
	}
	group := db.Insert(`INSERT INTO ABGroup(Name, StoreID) VALUES(?, 0)`, d.Title())
	for i := range min(5, len(people)) {
		db.Exec(`INSERT INTO ABGroupMembers(group_id, member_type, member_id) VALUES(?, 0, ?)`, group, i+1)
	}
}

// AddContact enters one person.
func AddContact(db *DB, d *dice.Dice, p dice.Person, at time.Time) {
	kind, birthday := 0, any(nil)
	if p.First == "" {
		kind = 1
	}
	if !p.Birthday.IsZero() {
		birthday = fmt.Sprintf("%d.0", CocoaSeconds(p.Birthday))
	}
	guid := d.UUID() + ":ABPerson"
	id := db.Insert(`INSERT INTO ABPerson(First, Last, Organization, Note, Kind, Birthday, FirstSort, LastSort, CreationDate, ModificationDate, StoreID, guid)
		VALUES(?,?,?,?,?,?,?,?,?,?,0,?)`,
		text(p.First), text(p.Last), text(p.Organization), text(p.Note), kind, birthday, p.First, p.Last, CocoaSeconds(at), CocoaSeconds(at), guid)
	value := func(property, label int, v any) int64 {
		return db.Insert(`INSERT INTO ABMultiValue(record_id, property, identifier, label, value, guid) VALUES(?,?,0,?,?,?)`, id, property, label, v, d.UUID())
	}
	value(abPhone, 1, p.Phone)
	value(abEmail, d.Between(2, 3), p.Email)
	if d.Chance(10) {
		value(abURL, 4, "https://www.example.org/"+p.Email)
	}
	if d.Chance(50) {
		address := value(abAddress, 2, nil)
		for key, v := range []string{p.Street, p.City, p.Code, p.Country} {
			db.Exec(`INSERT INTO ABMultiValueEntry VALUES(?,?,?)`, address, key+1, v)
		}
	}
}

// EditContact changes a random person's note and adds a number.
func EditContact(db *DB, d *dice.Dice, now time.Time) {
	n := db.Int(`SELECT max(ROWID) FROM ABPerson`)
	if n == 0 {
		return
	}
	id := 1 + d.Int64N(n)
	db.Exec(`UPDATE ABPerson SET Note = ?, ModificationDate = ? WHERE ROWID = ?`, d.Text(40), CocoaSeconds(now), id)
	db.Exec(`INSERT INTO ABMultiValue(record_id, property, identifier, label, value, guid) VALUES(?,3,1,3,?,?)`,
		id, fmt.Sprintf("+1%d5550%d", d.Between(201, 980), d.Between(100, 199)), d.UUID())
}

// CreateContactImages writes AddressBookImages.sqlitedb, a picture for one
// person in three.
func CreateContactImages(db *DB, d *dice.Dice, people []dice.Person, picture func() []byte) {
	db.Script(contactImageSchema)
	for i := range people {
		if !d.Chance(33) {
			continue
		}
		db.Exec(`INSERT INTO ABFullSizeImage(record_id, crop_x, crop_y, crop_width, data) VALUES(?,0,0,640,?)`, i+1, picture())
		for _, format := range []int{0, 2, 5} {
			db.Exec(`INSERT INTO ABThumbnailImage(record_id, format, data) VALUES(?,?,?)`, i+1, format, picture())
		}
	}
}

// text stores empty strings as NULL.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
