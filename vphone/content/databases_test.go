package content_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"russet/vphone/content"
	"russet/vphone/disk"
)

const whatsAppGroup = "AppDomainGroup-group.net.whatsapp.WhatsApp.shared"

func TestMessages(t *testing.T) {
	d := own(t)
	for day := 1; day <= 2; day++ {
		checkMessages(t, d)
		churn(t, d, content.ChurnOptions{Seed: 11, Day: day})
	}
	checkMessages(t, d)
}

func checkMessages(t *testing.T, d disk.Disk) {
	t.Helper()
	db := database(t, d, "HomeDomain", "Library/SMS/sms.db")
	for what, sql := range map[string]string{
		"messages without plain text": `SELECT count(*) FROM message WHERE text IS NULL`,
		"tapbacks":                    `SELECT count(*) FROM message WHERE associated_message_type BETWEEN 2000 AND 3007`,
		"groups":                      `SELECT count(*) FROM chat WHERE style = 43`,
		"received":                    `SELECT count(*) FROM message WHERE is_from_me = 0`,
	} {
		if number(t, db, sql) == 0 {
			t.Errorf("no %s", what)
		}
	}
	if n := number(t, db, `SELECT count(*) FROM message m WHERE NOT EXISTS (SELECT 1 FROM chat_message_join j WHERE j.message_id = m.ROWID)`); n > 0 {
		t.Errorf("%d messages in no chat", n)
	}
	files := rows(t, db, `SELECT filename, total_bytes FROM attachment`, func(row *sqlite3.Stmt) {
		path, home := strings.CutPrefix(row.ColumnText(0), "~/")
		if e := exists(t, d, "MediaDomain", path); !home || e.Size != row.ColumnInt64(1) {
			t.Errorf("%s: %d bytes, the database says %d", path, e.Size, row.ColumnInt64(1))
		}
	})
	if files == 0 {
		t.Error("no attachments")
	}
	rows(t, db, `SELECT text, attributedBody FROM message`, func(row *sqlite3.Stmt) {
		body, ok := archivedText(row.ColumnRawBlob(1))
		if !ok || row.ColumnType(0) != sqlite3.NULL && body != row.ColumnText(0) {
			t.Errorf("attributedBody says %q, text %q", body, row.ColumnText(0))
		}
	})
}

// archivedText takes the string out of a typedstream.
func archivedText(b []byte) (string, bool) {
	if !bytes.HasPrefix(b, []byte("\x04\x0bstreamtyped\x81\xe8\x03")) {
		return "", false
	}
	_, b, ok := bytes.Cut(b, []byte("NSString\x01\x94\x84\x01+"))
	if !ok || len(b) < 3 {
		return "", false
	}
	n := int(b[0])
	b = b[1:]
	if n == 0x81 {
		n, b = int(b[0])|int(b[1])<<8, b[2:]
	}
	if n > len(b) || !bytes.HasPrefix(b[n:], []byte("\x86\x84\x02iI")) {
		return "", false
	}
	return string(b[:n]), utf8.Valid(b[:n])
}

func TestPhotoLibraryMatchesItsFiles(t *testing.T) {
	d := own(t)
	for day := 1; day <= 2; day++ {
		churn(t, d, content.ChurnOptions{Seed: 12, Day: day, Activity: content.HeavyDay})
	}
	db := database(t, d, "CameraRollDomain", "Media/PhotoData/Photos.sqlite")
	videos := 0
	assets := rows(t, db, `SELECT ZDIRECTORY, ZFILENAME, ZORIGINALFILESIZE, ZKIND, ZLATITUDE FROM ZASSET a
		JOIN ZADDITIONALASSETATTRIBUTES x ON x.Z_PK = a.ZADDITIONALATTRIBUTES`, func(row *sqlite3.Stmt) {
		path := row.ColumnText(0) + "/" + row.ColumnText(1)
		if e := exists(t, d, "CameraRollDomain", "Media/"+path); e.Size != row.ColumnInt64(2) {
			t.Errorf("%s: %d bytes, the library says %d", path, e.Size, row.ColumnInt64(2))
		}
		exists(t, d, "CameraRollDomain", "Media/PhotoData/Thumbnails/V2/"+path+"/5005.JPG")
		videos += row.ColumnInt(3)
	})
	if videos == 0 || assets < 50 {
		t.Errorf("%d assets, %d of them videos", assets, videos)
	}
	if n := number(t, db, `SELECT Z_ENT FROM Z_PRIMARYKEY WHERE Z_NAME = 'GenericAlbum'`); n != 30 {
		t.Errorf("albums are entity %d, their join table says 30", n)
	}
	if number(t, db, `SELECT count(*) FROM ZASSET`) != number(t, db, `SELECT count(*) FROM ZINTERNALRESOURCE`)/2 {
		t.Error("resources were left behind")
	}
}

func TestNotesCanBeRead(t *testing.T) {
	d := tiny(t)
	db := database(t, d, "AppDomainGroup-group.com.apple.notes", "NoteStore.sqlite")
	notes := rows(t, db, `SELECT o.ZTITLE1, n.ZDATA FROM ZICCLOUDSYNCINGOBJECT o JOIN ZICNOTEDATA n ON n.Z_PK = o.ZNOTEDATA
		JOIN Z_PRIMARYKEY k ON k.Z_ENT = o.Z_ENT WHERE k.Z_NAME = 'ICNote'`, func(row *sqlite3.Stmt) {
		r, err := gzip.NewReader(bytes.NewReader(row.ColumnRawBlob(1)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil || !bytes.Contains(body, []byte(row.ColumnText(0)+"\n")) {
			t.Errorf("the body of %q does not begin with its title (%v)", row.ColumnText(0), err)
		}
	})
	if notes < 10 {
		t.Errorf("only %d notes", notes)
	}
	rows(t, db, `SELECT a.ZIDENTIFIER, m.ZIDENTIFIER, m.ZGENERATION1, m.ZFILENAME FROM ZICCLOUDSYNCINGOBJECT m
		JOIN ZICCLOUDSYNCINGOBJECT a ON a.ZNAME = 'iCloud' WHERE m.ZGENERATION1 IS NOT NULL`, func(row *sqlite3.Stmt) {
		exists(t, d, "AppDomainGroup-group.com.apple.notes", strings.Join([]string{
			"Accounts", row.ColumnText(0), "Media", row.ColumnText(1), row.ColumnText(2), row.ColumnText(3),
		}, "/"))
	})
}

func TestWhatsAppMediaIsThere(t *testing.T) {
	d := own(t)
	churn(t, d, content.ChurnOptions{Seed: 14, Day: 1})
	db := database(t, d, whatsAppGroup, "ChatStorage.sqlite")
	n := rows(t, db, `SELECT i.ZMEDIALOCALPATH FROM ZWAMEDIAITEM i JOIN ZWAMESSAGE m ON m.ZMEDIAITEM = i.Z_PK AND i.ZMESSAGE = m.Z_PK`, func(row *sqlite3.Stmt) {
		exists(t, d, whatsAppGroup, "Message/"+row.ColumnText(0))
	})
	if n == 0 {
		t.Error("no media")
	}
}

func TestOtherDatabasesHaveRows(t *testing.T) {
	d := tiny(t)
	for _, c := range []struct{ domain, path, table string }{
		{"HomeDomain", "Library/AddressBook/AddressBook.sqlitedb", "ABPerson"},
		{"HomeDomain", "Library/AddressBook/AddressBookImages.sqlitedb", "ABThumbnailImage"},
		{"HomeDomain", "Library/CallHistoryDB/CallHistory.storedata", "ZCALLRECORD"},
		{"HomeDomain", "Library/Calendar/Calendar.sqlitedb", "CalendarItem WHERE calendar_scale IS NOT 'gregorian'"},
		{"HomeDomain", "Library/Safari/Bookmarks.db", "bookmarks WHERE read IS NOT NULL"},
		{"HomeDomain", "Library/Safari/History.db", "history_visits JOIN history_items i ON i.id = history_item"},
		{"HomeDomain", "Library/Voicemail/voicemail.db", "voicemail"},
		{"HomeDomain", "Library/Accounts/Accounts3.sqlite", "ZACCOUNT"},
		{"HomeDomain", "Library/TCC/TCC.db", "access"},
		{"HealthDomain", "Health/healthdb.sqlite", "sources"},
		{"HealthDomain", "Health/healthdb_secure.sqlite", "samples JOIN quantity_samples USING (data_id)"},
		{"WirelessDomain", "Library/Databases/DataUsage.sqlite", "ZLIVEUSAGE"},
		{"AppDomainGroup-group.com.apple.VoiceMemos.shared", "Recordings/CloudRecordings.db", "ZCLOUDRECORDING WHERE ZPATH IS NULL"},
	} {
		if number(t, database(t, d, c.domain, c.path), "SELECT count(*) FROM "+c.table) == 0 {
			t.Errorf("%s has no rows in %s", c.path, c.table)
		}
	}
}
