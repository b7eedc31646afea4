package iosdb

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf16"

	"russet/vphone/content/internal/dice"
)

const noteSchema = `
CREATE TABLE ZICCLOUDSYNCINGOBJECT (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZCRYPTOITERATIONCOUNT INTEGER,
	ZISPASSWORDPROTECTED INTEGER, ZMARKEDFORDELETION INTEGER, ZACCOUNT INTEGER, ZATTACHMENTVIEWTYPE INTEGER, ZNOTE INTEGER, ZMEDIA INTEGER,
	ZACCOUNT7 INTEGER, ZFOLDER INTEGER, ZNOTEDATA INTEGER, ZISPINNED INTEGER, ZFOLDERTYPE INTEGER, ZOWNER INTEGER, ZPARENT INTEGER,
	ZCREATIONDATE TIMESTAMP, ZMODIFICATIONDATE TIMESTAMP, ZCREATIONDATE3 TIMESTAMP, ZMODIFICATIONDATE1 TIMESTAMP, ZFILESIZE INTEGER,
	ZIDENTIFIER VARCHAR, ZPASSWORDHINT VARCHAR, ZTITLE VARCHAR, ZTITLE1 VARCHAR, ZTITLE2 VARCHAR, ZSNIPPET VARCHAR, ZNAME VARCHAR,
	ZTYPEUTI VARCHAR, ZFILENAME VARCHAR, ZGENERATION1 VARCHAR, ZCRYPTOSALT BLOB, ZMERGEABLEDATA1 BLOB);
CREATE TABLE ZICNOTEDATA (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZNOTE INTEGER, ZCRYPTOINITIALIZATIONVECTOR BLOB,
	ZCRYPTOTAG BLOB, ZDATA BLOB);
CREATE INDEX ZICCLOUDSYNCINGOBJECT_Z_ENT_INDEX ON ZICCLOUDSYNCINGOBJECT(Z_ENT);
CREATE INDEX ZICCLOUDSYNCINGOBJECT_ZFOLDER_INDEX ON ZICCLOUDSYNCINGOBJECT(ZFOLDER);
CREATE INDEX ZICCLOUDSYNCINGOBJECT_ZIDENTIFIER_INDEX ON ZICCLOUDSYNCINGOBJECT(ZIDENTIFIER);
CREATE INDEX ZICNOTEDATA_ZNOTE_INDEX ON ZICNOTEDATA(ZNOTE);`

// The entities of the note store as an iOS 18 phone numbers them.
const (
	entAttachment = 5
	entMedia      = 11
	entNote       = 12
	entAccount    = 14
	entFolder     = 15
)

var noteEntities = []string{
	"ICCloudState", "ICDeviceMigrationState", "ICCloudSyncingObject", "ICInlineAttachment", "ICAttachment", "ICAttachmentPreviewImage",
	"ICBaseAttachment", "ICHashtag", "ICInvitation", "ICLegacyTombstone", "ICMedia", "ICNote", "ICNoteContainer", "ICAccount", "ICFolder",
	"ICNoteData",
}

// NoteMedia is a picture in a note.
type NoteMedia struct {
	Path string // in the group container of Notes
	Seed uint64
	Size int64
	At   time.Time
}

// CreateNotes makes NoteStore.sqlite with one account and three folders.
func CreateNotes(db *DB, d *dice.Dice) {
	createCoreData(db, d, noteEntities...)
	db.Script(noteSchema)
	account := db.Insert(`INSERT INTO ZICCLOUDSYNCINGOBJECT(Z_ENT, Z_OPT, ZNAME, ZIDENTIFIER) VALUES(?,1,'iCloud',?)`, entAccount, d.UUID())
	for i, f := range []struct{ title, id string }{{"Notes", "DefaultFolder-CloudKit"}, {"Recently Deleted", "TrashFolder-CloudKit"}, {d.Title(), d.UUID()}} {
		db.Exec(`INSERT INTO ZICCLOUDSYNCINGOBJECT(Z_ENT, Z_OPT, ZTITLE2, ZIDENTIFIER, ZFOLDERTYPE, ZOWNER, ZACCOUNT7) VALUES(?,1,?,?,?,?,?)`,
			entFolder, f.title, f.id, i%2, account, account)
	}
}

// AddNotes writes n notes between two times, one in ten with a picture.
func AddNotes(db *DB, d *dice.Dice, n int, from, to time.Time) []NoteMedia {
	account := db.Int(`SELECT Z_PK FROM ZICCLOUDSYNCINGOBJECT WHERE Z_ENT = ?`, entAccount)
	folder := db.Int(`SELECT min(Z_PK) FROM ZICCLOUDSYNCINGOBJECT WHERE Z_ENT = ?`, entFolder)
	accountID := ""
	for _, id := range db.texts(`SELECT ZIDENTIFIER FROM ZICCLOUDSYNCINGOBJECT WHERE Z_PK = ?`, account) {
		accountID = id
	}
	var media []NoteMedia
	for range n {
		at := d.Time(from, to)
		title, body := d.Title(), d.Text(d.Between(20, 900))
		note := db.Insert(`INSERT INTO ZICCLOUDSYNCINGOBJECT(Z_ENT, Z_OPT, ZTITLE1, ZSNIPPET, ZCREATIONDATE3, ZMODIFICATIONDATE1, ZFOLDER, ZACCOUNT7,
			ZISPASSWORDPROTECTED, ZMARKEDFORDELETION, ZISPINNED, ZIDENTIFIER) VALUES(?,1,?,?,?,?,?,?,0,0,?,?)`,
			entNote, title, body[:strings.IndexByte(body+"\n", '\n')], Cocoa(at), Cocoa(at.Add(time.Minute)), folder+2*d.Int64N(2), account, d.Chance(5), d.UUID())
		picture := ""
		if d.Chance(10) {
			picture = d.UUID()
			media = append(media, addNoteMedia(db, d, note, accountID, picture, at))
		}
		data := db.Insert(`INSERT INTO ZICNOTEDATA(Z_ENT, Z_OPT, ZNOTE, ZDATA) VALUES(16,1,?,?)`, note, noteBody(title, body, picture))
		db.Exec(`UPDATE ZICCLOUDSYNCINGOBJECT SET ZNOTEDATA = ? WHERE Z_PK = ?`, data, note)
	}
	count(db, "ICCloudSyncingObject", db.Int(`SELECT max(Z_PK) FROM ZICCLOUDSYNCINGOBJECT`))
	count(db, "ICNoteData", db.Int(`SELECT max(Z_PK) FROM ZICNOTEDATA`))
	return media
}

func addNoteMedia(db *DB, d *dice.Dice, note int64, account, attachment string, at time.Time) NoteMedia {
	id, generation, name := d.UUID(), "1_"+d.UUID(), "Image.jpg"
	m := NoteMedia{
		Path: "Accounts/" + account + "/Media/" + id + "/" + generation + "/" + name,
		Seed: d.Uint64(), Size: int64(d.Between(8000, 90_000)), At: at,
	}
	row := db.Insert(`INSERT INTO ZICCLOUDSYNCINGOBJECT(Z_ENT, Z_OPT, ZIDENTIFIER, ZFILENAME, ZGENERATION1) VALUES(?,1,?,?,?)`, entMedia, id, name, generation)
	db.Exec(`INSERT INTO ZICCLOUDSYNCINGOBJECT(Z_ENT, Z_OPT, ZIDENTIFIER, ZTYPEUTI, ZNOTE, ZMEDIA, ZFILESIZE, ZCREATIONDATE) VALUES(?,1,?,'public.jpeg',?,?,?,?)`,
		entAttachment, attachment, note, row, m.Size, Cocoa(at))
	return m
}

// noteBody is a note's text and styles: a protobuf, compressed by gzip.
func noteBody(title, body, attachment string) []byte {
	text := title + "\n" + body
	if attachment != "" {
		text += "\n\ufffc"
	}
	runs := protoField(nil, 5, styleRun(length16(title)+1, 0, ""))
	rest := length16(text) - length16(title) - 1
	if attachment != "" {
		rest--
	}
	runs = protoField(runs, 5, styleRun(rest, 100, ""))
	if attachment != "" {
		runs = protoField(runs, 5, styleRun(1, 0, attachment))
	}
	note := append(protoField(nil, 2, []byte(text)), runs...)
	document := protoField(nil, 3, note)
	return gzipped(protoField(nil, 2, document))
}

// styleRun is one run of so many UTF-16 units in one paragraph style.
func styleRun(length, style int, attachment string) []byte {
	b := protoInt(nil, 1, length)
	b = protoField(b, 2, protoInt(nil, 1, style))
	if attachment != "" {
		b = protoField(b, 12, protoField(protoField(nil, 1, []byte(attachment)), 2, []byte("public.jpeg")))
	}
	return b
}

func length16(s string) int { return len(utf16.Encode([]rune(s))) }

func protoInt(b []byte, field, v int) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field)<<3), uint64(v))
}

func protoField(b []byte, field int, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|2)
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
