package iosdb

import (
	"time"

	"russet/vphone/content/internal/dice"
)

const voicemailSchema = `
CREATE TABLE _SqliteDatabaseProperties (key TEXT, value TEXT, UNIQUE(key));
CREATE TABLE voicemail (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, remote_uid INTEGER, date INTEGER, token TEXT, sender TEXT, callback_num TEXT,
	duration INTEGER, expiration INTEGER, trashed_date INTEGER, flags INTEGER, receiver TEXT, uuid TEXT, label TEXT);
CREATE TABLE deleted (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, remote_uid INTEGER, date INTEGER, token TEXT, sender TEXT, callback_num TEXT,
	duration INTEGER, expiration INTEGER, trashed_date INTEGER, flags INTEGER, receiver TEXT, uuid TEXT, label TEXT);
CREATE TABLE map (label TEXT, account TEXT);
CREATE INDEX date_index ON voicemail(date);
CREATE INDEX remote_uid_index ON voicemail(remote_uid);`

// CreateVoicemail makes voicemail.db with n messages, rows 1 to n.
func CreateVoicemail(db *DB, d *dice.Dice, people []dice.Person, n int, from, to time.Time) {
	db.Script(voicemailSchema)
	label := d.UUID()
	db.Exec(`INSERT INTO map VALUES(?, '+12015550100')`, label)
	for i := range n {
		p := dice.Pick(d, people)
		db.Exec(`INSERT INTO voicemail(remote_uid, date, token, sender, callback_num, duration, expiration, trashed_date, flags, receiver, uuid, label)
			VALUES(?,?,'Complete',?,?,?,0,0,?,'+12015550100',?,?)`,
			i+1, d.Time(from, to).Unix(), p.Phone, p.Phone, d.Between(3, 90), dice.Pick(d, []int{3, 67}), d.UUID(), label)
	}
}

const accountSchema = `
CREATE TABLE ZACCOUNTTYPE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZIDENTIFIER VARCHAR, ZACCOUNTTYPEDESCRIPTION VARCHAR);
CREATE TABLE ZACCOUNT (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZACTIVE INTEGER, ZAUTHENTICATED INTEGER, ZVISIBLE INTEGER,
	ZACCOUNTTYPE INTEGER, ZPARENTACCOUNT INTEGER, ZDATE TIMESTAMP, ZACCOUNTDESCRIPTION VARCHAR, ZIDENTIFIER VARCHAR,
	ZOWNINGBUNDLEID VARCHAR, ZUSERNAME VARCHAR);
CREATE TABLE ZACCOUNTPROPERTY (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZOWNER INTEGER, ZKEY VARCHAR, ZVALUE BLOB);
CREATE INDEX ZACCOUNT_ZIDENTIFIER_INDEX ON ZACCOUNT(ZIDENTIFIER);`

// CreateAccounts makes Accounts3.sqlite.
func CreateAccounts(db *DB, d *dice.Dice, now time.Time) {
	createCoreData(db, d, "Account", "AccountProperty", "AccountType")
	db.Script(accountSchema)
	for i, t := range []struct{ id, name, user string }{
		{"com.apple.account.AppleAccount", "iCloud", "owner@example.org"},
		{"com.apple.account.IMAP", "Mail", "owner@example.com"},
		{"com.apple.account.CalDAV", "Calendars", "owner"},
	} {
		db.Exec(`INSERT INTO ZACCOUNTTYPE VALUES(?,3,1,?,?)`, i+1, t.id, t.name)
		db.Exec(`INSERT INTO ZACCOUNT(Z_ENT, Z_OPT, ZACTIVE, ZAUTHENTICATED, ZVISIBLE, ZACCOUNTTYPE, ZDATE, ZACCOUNTDESCRIPTION, ZIDENTIFIER,
			ZOWNINGBUNDLEID, ZUSERNAME) VALUES(1,1,1,1,1,?,?,?,?,'com.apple.accountsd',?)`, i+1, Cocoa(now), t.name, d.UUID(), t.user)
	}
	count(db, "Account", 3)
	count(db, "AccountType", 3)
}

const tccSchema = `
CREATE TABLE admin (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL);
INSERT INTO admin VALUES ('version', 27);
CREATE TABLE access (service TEXT NOT NULL, client TEXT NOT NULL, client_type INTEGER NOT NULL, auth_value INTEGER NOT NULL,
	auth_reason INTEGER NOT NULL, auth_version INTEGER NOT NULL, csreq BLOB, policy_id INTEGER, indirect_object_identifier_type INTEGER,
	indirect_object_identifier TEXT NOT NULL DEFAULT 'UNUSED', indirect_object_code_identity BLOB, flags INTEGER,
	last_modified INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (service, client, client_type, indirect_object_identifier));
CREATE TABLE active_policy (client TEXT NOT NULL, client_type INTEGER NOT NULL, policy_id INTEGER NOT NULL, PRIMARY KEY (client, client_type));`

// CreateTCC makes TCC.db: what each application may use.
func CreateTCC(db *DB, d *dice.Dice, bundles []string, now time.Time) {
	db.Script(tccSchema)
	for _, bundle := range bundles {
		for _, service := range []string{"kTCCServiceCamera", "kTCCServicePhotos", "kTCCServiceAddressBook", "kTCCServiceMicrophone"} {
			if d.Chance(40) {
				db.Exec(`INSERT INTO access(service, client, client_type, auth_value, auth_reason, auth_version, last_modified) VALUES(?,?,0,?,2,1,?)`,
					service, bundle, dice.Pick(d, []int{0, 2, 3}), now.Add(-time.Duration(d.IntN(9000))*time.Hour).Unix())
			}
		}
	}
}

const usageSchema = `
CREATE TABLE ZPROCESS (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZFIRSTTIMESTAMP TIMESTAMP, ZTIMESTAMP TIMESTAMP,
	ZBUNDLENAME VARCHAR, ZPROCNAME VARCHAR);
CREATE TABLE ZLIVEUSAGE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZKIND INTEGER, ZHASPROCESS INTEGER, ZWIFIIN FLOAT,
	ZWIFIOUT FLOAT, ZWWANIN FLOAT, ZWWANOUT FLOAT, ZTIMESTAMP TIMESTAMP);`

// CreateUsage makes DataUsage.sqlite.
func CreateUsage(db *DB, d *dice.Dice, bundles []string, now time.Time) {
	createCoreData(db, d, "LiveUsage", "Process")
	db.Script(usageSchema)
	for i, bundle := range bundles {
		db.Exec(`INSERT INTO ZPROCESS VALUES(?,2,1,?,?,?,?)`, i+1, Cocoa(now.AddDate(-1, 0, 0)), Cocoa(now), bundle, bundle)
	}
	AddUsage(db, d, now)
}

// AddUsage counts what every process has transferred by now.
func AddUsage(db *DB, d *dice.Dice, now time.Time) {
	for pk := range db.Int(`SELECT count(*) FROM ZPROCESS`) {
		db.Exec(`INSERT INTO ZLIVEUSAGE(Z_ENT, Z_OPT, ZKIND, ZHASPROCESS, ZWIFIIN, ZWIFIOUT, ZWWANIN, ZWWANOUT, ZTIMESTAMP) VALUES(1,1,0,?,?,?,?,?,?)`,
			pk+1, d.IntN(1<<30), d.IntN(1<<24), d.IntN(1<<28), d.IntN(1<<20), Cocoa(now))
		db.Exec(`UPDATE ZPROCESS SET ZTIMESTAMP = ? WHERE Z_PK = ?`, Cocoa(now), pk+1)
	}
}

const reminderSchema = `
CREATE TABLE ZREMCDBASELIST (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZNAME VARCHAR, ZIDENTIFIER BLOB, ZACCOUNT INTEGER);
CREATE TABLE ZREMCDOBJECT (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZNAME VARCHAR, ZIDENTIFIER BLOB);
CREATE TABLE ZREMCDREMINDER (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZALLDAY INTEGER, ZCOMPLETED INTEGER, ZFLAGGED INTEGER,
	ZMARKEDFORDELETION INTEGER, ZPRIORITY INTEGER, ZACCOUNT INTEGER, ZLIST INTEGER, ZPARENTREMINDER INTEGER, ZCOMPLETIONDATE TIMESTAMP,
	ZCREATIONDATE TIMESTAMP, ZDUEDATE TIMESTAMP, ZLASTMODIFIEDDATE TIMESTAMP, ZTITLE VARCHAR, ZNOTES VARCHAR, ZIDENTIFIER BLOB);
CREATE INDEX ZREMCDREMINDER_ZLIST_INDEX ON ZREMCDREMINDER(ZLIST);`

// CreateReminders makes a reminder store with n reminders in two lists.
func CreateReminders(db *DB, d *dice.Dice, n int, from, to time.Time) {
	createCoreData(db, d, "REMCDBaseList", "REMCDObject", "REMCDReminder")
	db.Script(reminderSchema)
	account := db.Insert(`INSERT INTO ZREMCDOBJECT(Z_ENT, Z_OPT, ZNAME, ZIDENTIFIER) VALUES(2,1,'iCloud',?)`, d.Bytes(16))
	for range 2 {
		db.Exec(`INSERT INTO ZREMCDBASELIST(Z_ENT, Z_OPT, ZNAME, ZIDENTIFIER, ZACCOUNT) VALUES(1,1,?,?,?)`, d.Title(), d.Bytes(16), account)
	}
	for range n {
		at := d.Time(from, to)
		var due, done any
		if d.Chance(60) {
			due = Cocoa(at.Add(48 * time.Hour))
		}
		if d.Chance(50) {
			done = Cocoa(at.Add(24 * time.Hour))
		}
		db.Exec(`INSERT INTO ZREMCDREMINDER(Z_ENT, Z_OPT, ZALLDAY, ZCOMPLETED, ZFLAGGED, ZMARKEDFORDELETION, ZPRIORITY, ZACCOUNT, ZLIST, ZCOMPLETIONDATE,
			ZCREATIONDATE, ZDUEDATE, ZLASTMODIFIEDDATE, ZTITLE, ZNOTES, ZIDENTIFIER) VALUES(3,1,?,?,?,0,?,?,?,?,?,?,?,?,?,?)`,
			d.Chance(30), done != nil, d.Chance(5), dice.Pick(d, []int{0, 0, 1, 5, 9}), account, d.Between(1, 2), done, Cocoa(at), due, Cocoa(at),
			d.Title(), text(d.Sentence()), d.Bytes(16))
	}
	count(db, "REMCDReminder", int64(n))
}

const recordingSchema = `
CREATE TABLE ZFOLDER (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZENCRYPTEDNAME VARCHAR, ZUUID VARCHAR);
CREATE TABLE ZCLOUDRECORDING (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZFLAGS INTEGER, ZFOLDER INTEGER, ZDATE TIMESTAMP,
	ZDURATION FLOAT, ZEVICTIONDATE TIMESTAMP, ZCUSTOMLABEL VARCHAR, ZCUSTOMLABELFORSORTING VARCHAR, ZENCRYPTEDTITLE VARCHAR, ZPATH VARCHAR,
	ZUNIQUEID VARCHAR);`

// Recording is a voice memo.
type Recording struct {
	Name string
	At   time.Time
}

// CreateRecordings makes CloudRecordings.db; one recording is only in iCloud.
func CreateRecordings(db *DB, d *dice.Dice, recordings []Recording) {
	createCoreData(db, d, "CloudRecording", "DatabaseProperty", "Folder")
	db.Script(recordingSchema)
	for _, r := range recordings {
		title := d.Title()
		db.Exec(`INSERT INTO ZCLOUDRECORDING(Z_ENT, Z_OPT, ZDATE, ZDURATION, ZCUSTOMLABEL, ZCUSTOMLABELFORSORTING, ZENCRYPTEDTITLE, ZPATH, ZUNIQUEID)
			VALUES(1,1,?,?,?,?,?,?,?)`, Cocoa(r.At), float64(d.Between(3, 900)), r.At.Format(time.RFC3339), title, title, r.Name, d.UUID())
	}
	if n := len(recordings); n > 0 {
		at := recordings[n-1].At
		db.Exec(`INSERT INTO ZCLOUDRECORDING(Z_ENT, Z_OPT, ZDATE, ZDURATION, ZEVICTIONDATE, ZENCRYPTEDTITLE, ZUNIQUEID) VALUES(1,1,?,12,?,?,?)`,
			Cocoa(at), Cocoa(at.Add(time.Hour)), d.Title(), d.UUID())
	}
}
