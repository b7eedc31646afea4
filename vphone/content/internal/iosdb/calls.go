package iosdb

import (
	"time"

	"russet/vphone/content/internal/dice"
)

// coreDataSchema is in every Core Data store.
const coreDataSchema = `
CREATE TABLE Z_PRIMARYKEY (Z_ENT INTEGER PRIMARY KEY, Z_NAME VARCHAR, Z_SUPER INTEGER, Z_MAX INTEGER);
CREATE TABLE Z_METADATA (Z_VERSION INTEGER PRIMARY KEY, Z_UUID VARCHAR(255), Z_PLIST BLOB);
CREATE TABLE Z_MODELCACHE (Z_CONTENT BLOB);`

// createCoreData makes a store's own tables; entities are numbered from 1.
func createCoreData(db *DB, d *dice.Dice, entities ...string) {
	db.Script(coreDataSchema)
	for i, name := range entities {
		if name != "" {
			db.Exec(`INSERT INTO Z_PRIMARYKEY VALUES(?,?,0,0)`, i+1, name)
		}
	}
	db.Exec(`INSERT INTO Z_METADATA VALUES(1,?,NULL)`, d.UUID())
}

// count brings an entity's Z_MAX up to date.
func count(db *DB, entity string, last int64) {
	db.Exec(`UPDATE Z_PRIMARYKEY SET Z_MAX = ? WHERE Z_NAME = ?`, last, entity)
}

const callSchema = `
CREATE TABLE ZCALLRECORD (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZANSWERED INTEGER, ZCALL_CATEGORY INTEGER, ZCALLTYPE INTEGER,
	ZDISCONNECTED_CAUSE INTEGER, ZFACE_TIME_DATA INTEGER, ZHANDLE_TYPE INTEGER, ZNUMBER_AVAILABILITY INTEGER, ZORIGINATED INTEGER, ZREAD INTEGER,
	ZVERIFICATIONSTATUS INTEGER, ZDATE TIMESTAMP, ZDURATION FLOAT, ZISO_COUNTRY_CODE VARCHAR, ZLOCATION VARCHAR, ZNAME VARCHAR,
	ZSERVICE_PROVIDER VARCHAR, ZUNIQUE_ID VARCHAR, ZADDRESS VARCHAR);
CREATE TABLE ZHANDLE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZTYPE INTEGER, ZNORMALIZEDVALUE VARCHAR, ZVALUE VARCHAR);
CREATE TABLE Z_2REMOTEPARTICIPANTHANDLES (Z_2REMOTEPARTICIPANTCALLS INTEGER, Z_4REMOTEPARTICIPANTHANDLES INTEGER,
	PRIMARY KEY (Z_2REMOTEPARTICIPANTCALLS, Z_4REMOTEPARTICIPANTHANDLES));
CREATE TABLE ZCALLDBPROPERTIES (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZTIMER_ALL FLOAT, ZTIMER_INCOMING FLOAT,
	ZTIMER_OUTGOING FLOAT, ZTIMER_LAST FLOAT, ZTIMER_LIFETIME FLOAT);
CREATE INDEX ZCALLRECORD_ZDATE_INDEX ON ZCALLRECORD(ZDATE);
CREATE UNIQUE INDEX ZCALLRECORD_ZUNIQUE_ID_INDEX ON ZCALLRECORD(ZUNIQUE_ID);`

// CreateCalls makes CallHistory.storedata.
func CreateCalls(db *DB, d *dice.Dice) {
	createCoreData(db, d, "CallDBProperties", "CallRecord", "EmergencyMediaItem", "Handle")
	db.Script(callSchema)
	db.Exec(`INSERT INTO ZCALLDBPROPERTIES VALUES(1,1,1,0,0,0,0,0)`)
}

// AddCalls writes n calls between two times and prunes the log to its last
// thousand, as iOS does.
func AddCalls(db *DB, d *dice.Dice, people []dice.Person, n int, from, to time.Time) {
	step := to.Sub(from) / time.Duration(max(n, 1))
	for i := range n {
		p := people[d.Early(len(people))]
		out, answered := d.Chance(50), d.Chance(75)
		kind, provider := 1, "com.apple.Telephony"
		switch d.IntN(10) {
		case 0:
			kind, provider = 8, "com.apple.FaceTime"
		case 1:
			kind, provider = 16, "com.apple.FaceTime"
		case 2:
			kind, provider = 0, "net.whatsapp.WhatsApp"
		}
		seconds := 0.0
		if answered {
			seconds = float64(d.Between(4, 2400))
		}
		var address any = p.Phone
		if d.Chance(20) {
			address = []byte(p.Phone) // older rows hold bytes
		}
		call := db.Insert(`INSERT INTO ZCALLRECORD(Z_ENT, Z_OPT, ZANSWERED, ZCALLTYPE, ZORIGINATED, ZREAD, ZDATE, ZDURATION, ZISO_COUNTRY_CODE, ZLOCATION,
			ZNAME, ZSERVICE_PROVIDER, ZUNIQUE_ID, ZADDRESS, ZHANDLE_TYPE, ZDISCONNECTED_CAUSE) VALUES(2,1,?,?,?,1,?,?,?,?,?,?,?,?,2,?)`,
			answered, kind, out, Cocoa(from.Add(step*time.Duration(i))), seconds, p.Country, p.City, p.Name(), provider, d.UUID(), address, d.IntN(3))
		handle := db.Insert(`INSERT INTO ZHANDLE(Z_ENT, Z_OPT, ZTYPE, ZNORMALIZEDVALUE, ZVALUE) VALUES(4,1,2,?,?)`, p.Phone, p.Phone)
		db.Exec(`INSERT INTO Z_2REMOTEPARTICIPANTHANDLES VALUES(?,?)`, call, handle)
		count(db, "CallRecord", call)
		count(db, "Handle", handle)
	}
	db.Exec(`DELETE FROM Z_2REMOTEPARTICIPANTHANDLES WHERE Z_2REMOTEPARTICIPANTCALLS <= (SELECT max(Z_PK) FROM ZCALLRECORD) - 1000`)
	db.Exec(`DELETE FROM ZCALLRECORD WHERE Z_PK <= (SELECT max(Z_PK) FROM ZCALLRECORD) - 1000`)
}
