package iosdb

import (
	"fmt"
	"strings"
	"time"

	"russet/vphone/content/internal/dice"
)

const whatsAppSchema = `
CREATE TABLE ZWACHATSESSION (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZARCHIVED INTEGER, ZCONTACTABID INTEGER, ZFLAGS INTEGER,
	ZHIDDEN INTEGER, ZMESSAGECOUNTER INTEGER, ZSESSIONTYPE INTEGER, ZUNREADCOUNT INTEGER, ZGROUPINFO INTEGER, ZLASTMESSAGE INTEGER,
	ZLASTMESSAGEDATE TIMESTAMP, ZCONTACTJID VARCHAR, ZPARTNERNAME VARCHAR, ZLASTMESSAGETEXT VARCHAR);
CREATE TABLE ZWAMESSAGE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZFLAGS INTEGER, ZGROUPEVENTTYPE INTEGER, ZISFROMME INTEGER,
	ZMESSAGEERRORSTATUS INTEGER, ZMESSAGESTATUS INTEGER, ZMESSAGETYPE INTEGER, ZSORT INTEGER, ZSTARRED INTEGER, ZCHATSESSION INTEGER,
	ZGROUPMEMBER INTEGER, ZMEDIAITEM INTEGER, ZMESSAGEDATE TIMESTAMP, ZSENTDATE TIMESTAMP, ZFROMJID VARCHAR, ZPUSHNAME VARCHAR,
	ZSTANZAID VARCHAR, ZTEXT VARCHAR, ZTOJID VARCHAR);
CREATE TABLE ZWAMEDIAITEM (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZFILESIZE INTEGER, ZMOVIEDURATION INTEGER, ZMESSAGE INTEGER,
	ZLATITUDE FLOAT, ZLONGITUDE FLOAT, ZMEDIALOCALPATH VARCHAR, ZTITLE VARCHAR, ZVCARDSTRING VARCHAR, ZXMPPTHUMBPATH VARCHAR, ZMETADATA BLOB);
CREATE TABLE ZWAGROUPINFO (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZCHATSESSION INTEGER, ZCREATIONDATE TIMESTAMP, ZCREATORJID VARCHAR);
CREATE TABLE ZWAGROUPMEMBER (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZISACTIVE INTEGER, ZISADMIN INTEGER, ZCHATSESSION INTEGER,
	ZMEMBERJID VARCHAR, ZCONTACTNAME VARCHAR);
CREATE TABLE ZWAPROFILEPUSHNAME (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZJID VARCHAR, ZPUSHNAME VARCHAR);
CREATE INDEX ZWAMESSAGE_ZCHATSESSION_INDEX ON ZWAMESSAGE(ZCHATSESSION, ZSORT);
CREATE INDEX ZWAMESSAGE_ZSTANZAID_INDEX ON ZWAMESSAGE(ZSTANZAID);
CREATE INDEX ZWAMESSAGE_ZMESSAGEDATE_INDEX ON ZWAMESSAGE(ZMESSAGEDATE);
CREATE INDEX ZWAMEDIAITEM_ZMESSAGE_INDEX ON ZWAMEDIAITEM(ZMESSAGE);`

// CreateWhatsApp makes ChatStorage.sqlite with a chat for everybody.
func CreateWhatsApp(db *DB, d *dice.Dice, people []dice.Person) {
	createCoreData(db, d, "WAChatSession", "WAGroupInfo", "WAGroupMember", "WAMediaItem", "WAMessage", "WAProfilePushName")
	db.Script(whatsAppSchema)
	for _, p := range people {
		jid := strings.TrimPrefix(p.Phone, "+") + "@s.whatsapp.net"
		db.Exec(`INSERT INTO ZWACHATSESSION(Z_ENT, Z_OPT, ZARCHIVED, ZSESSIONTYPE, ZMESSAGECOUNTER, ZCONTACTJID, ZPARTNERNAME) VALUES(1,1,0,0,0,?,?)`, jid, p.Name())
		db.Exec(`INSERT INTO ZWAPROFILEPUSHNAME(Z_ENT, Z_OPT, ZJID, ZPUSHNAME) VALUES(6,1,?,?)`, jid, p.First)
	}
}

// AddWhatsApp writes n messages between two times; one in attachEvery brings
// a picture, whose place is in the group container.
func AddWhatsApp(db *DB, d *dice.Dice, n, attachEvery int, from, to time.Time) []Attachment {
	jids := db.texts(`SELECT ZCONTACTJID FROM ZWACHATSESSION ORDER BY Z_PK`)
	if len(jids) == 0 {
		return nil
	}
	var files []Attachment
	step := to.Sub(from) / time.Duration(max(n, 1))
	for i := range n {
		at := from.Add(step * time.Duration(i))
		chat := d.Early(len(jids))
		fromMe, stanza := d.Chance(45), fmt.Sprintf("3A%X", d.Bytes(9))
		kind, words := 0, any(d.Sentence())
		if d.IntN(attachEvery) == 0 {
			kind, words = 1, nil
		}
		var sender, receiver any = jids[chat], nil
		if fromMe {
			sender, receiver = nil, jids[chat]
		}
		row := db.Insert(`INSERT INTO ZWAMESSAGE(Z_ENT, Z_OPT, ZISFROMME, ZMESSAGESTATUS, ZMESSAGETYPE, ZSORT, ZSTARRED, ZCHATSESSION, ZMESSAGEDATE, ZSENTDATE,
			ZFROMJID, ZTOJID, ZSTANZAID, ZTEXT) VALUES(5,1,?,8,?,?,?,?,?,?,?,?,?,?)`,
			fromMe, kind, i, d.Chance(1), chat+1, Cocoa(at), Cocoa(at), sender, receiver, stanza, words)
		if kind == 1 {
			files = append(files, addWhatsAppMedia(db, d, row, jids[chat], at))
		}
		db.Exec(`UPDATE ZWACHATSESSION SET ZLASTMESSAGE = ?, ZLASTMESSAGEDATE = ?, ZLASTMESSAGETEXT = ?, ZMESSAGECOUNTER = ZMESSAGECOUNTER + 1 WHERE Z_PK = ?`,
			row, Cocoa(at), words, chat+1)
	}
	count(db, "WAMessage", db.Int(`SELECT max(Z_PK) FROM ZWAMESSAGE`))
	count(db, "WAMediaItem", db.Int(`SELECT max(Z_PK) FROM ZWAMEDIAITEM`))
	return files
}

func addWhatsAppMedia(db *DB, d *dice.Dice, message int64, jid string, at time.Time) Attachment {
	id := strings.ToLower(d.UUID())
	local := fmt.Sprintf("Media/%s/%s/%s/%s.jpg", jid, id[:1], id[1:2], id)
	a := Attachment{Path: "Message/" + local, Seed: d.Uint64(), Size: int64(d.Between(5000, 90_000)), At: at}
	media := db.Insert(`INSERT INTO ZWAMEDIAITEM(Z_ENT, Z_OPT, ZFILESIZE, ZMESSAGE, ZMEDIALOCALPATH, ZTITLE, ZVCARDSTRING) VALUES(4,1,?,?,?,?,'image/jpeg')`,
		a.Size, message, local, d.Title())
	db.Exec(`UPDATE ZWAMESSAGE SET ZMEDIAITEM = ? WHERE Z_PK = ?`, media, message)
	return a
}
