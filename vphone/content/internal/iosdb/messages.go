package iosdb

import (
	"fmt"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"russet/vphone/content/internal/dice"
)

// messageSchema is that of sms.db on iOS 17 and 18, without its triggers.
const messageSchema = `
CREATE TABLE _SqliteDatabaseProperties (key TEXT, value TEXT, UNIQUE(key));
INSERT INTO _SqliteDatabaseProperties VALUES ('_ClientVersion', '18026');
CREATE TABLE handle (ROWID INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, id TEXT NOT NULL, country TEXT, service TEXT NOT NULL,
	uncanonicalized_id TEXT, person_centric_id TEXT, UNIQUE (id, service));
CREATE TABLE chat (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, style INTEGER, state INTEGER, account_id TEXT,
	properties BLOB, chat_identifier TEXT, service_name TEXT, room_name TEXT, account_login TEXT, is_archived INTEGER DEFAULT 0,
	last_addressed_handle TEXT, display_name TEXT, group_id TEXT, is_filtered INTEGER DEFAULT 0, last_read_message_timestamp INTEGER DEFAULT 0);
CREATE TABLE message (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, text TEXT, replace INTEGER DEFAULT 0,
	service_center TEXT, handle_id INTEGER DEFAULT 0, subject TEXT, country TEXT, attributedBody BLOB, version INTEGER DEFAULT 0,
	type INTEGER DEFAULT 0, service TEXT, account TEXT, account_guid TEXT, error INTEGER DEFAULT 0, date INTEGER, date_read INTEGER,
	date_delivered INTEGER, is_delivered INTEGER DEFAULT 0, is_finished INTEGER DEFAULT 0, is_emote INTEGER DEFAULT 0,
	is_from_me INTEGER DEFAULT 0, is_empty INTEGER DEFAULT 0, is_delayed INTEGER DEFAULT 0, is_auto_reply INTEGER DEFAULT 0,
	is_prepared INTEGER DEFAULT 0, is_read INTEGER DEFAULT 0, is_system_message INTEGER DEFAULT 0, is_sent INTEGER DEFAULT 0,
	has_dd_results INTEGER DEFAULT 0, is_service_message INTEGER DEFAULT 0, is_forward INTEGER DEFAULT 0, was_downgraded INTEGER DEFAULT 0,
	is_archive INTEGER DEFAULT 0, cache_has_attachments INTEGER DEFAULT 0, cache_roomnames TEXT, was_data_detected INTEGER DEFAULT 0,
	is_audio_message INTEGER DEFAULT 0, is_played INTEGER DEFAULT 0, date_played INTEGER, item_type INTEGER DEFAULT 0,
	other_handle INTEGER DEFAULT 0, group_title TEXT, group_action_type INTEGER DEFAULT 0, share_status INTEGER DEFAULT 0,
	is_expirable INTEGER DEFAULT 0, expire_state INTEGER DEFAULT 0, message_action_type INTEGER DEFAULT 0, message_source INTEGER DEFAULT 0,
	associated_message_guid TEXT, associated_message_type INTEGER DEFAULT 0, balloon_bundle_id TEXT, payload_data BLOB,
	expressive_send_style_id TEXT, associated_message_range_location INTEGER DEFAULT 0, associated_message_range_length INTEGER DEFAULT 0,
	message_summary_info BLOB, destination_caller_id TEXT, reply_to_guid TEXT, thread_originator_guid TEXT, thread_originator_part TEXT,
	date_retracted INTEGER, date_edited INTEGER, date_recovered INTEGER DEFAULT 0, associated_message_emoji TEXT);
CREATE TABLE attachment (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, created_date INTEGER DEFAULT 0,
	start_date INTEGER DEFAULT 0, filename TEXT, uti TEXT, mime_type TEXT, transfer_state INTEGER DEFAULT 0, is_outgoing INTEGER DEFAULT 0,
	user_info BLOB, transfer_name TEXT, total_bytes INTEGER DEFAULT 0, is_sticker INTEGER DEFAULT 0, sticker_user_info BLOB,
	attribution_info BLOB, hide_attachment INTEGER DEFAULT 0, original_guid TEXT UNIQUE NOT NULL);
CREATE TABLE chat_message_join (chat_id INTEGER REFERENCES chat (ROWID) ON DELETE CASCADE, message_id INTEGER REFERENCES message (ROWID)
	ON DELETE CASCADE, message_date INTEGER DEFAULT 0, PRIMARY KEY (chat_id, message_id));
CREATE TABLE chat_handle_join (chat_id INTEGER REFERENCES chat (ROWID) ON DELETE CASCADE, handle_id INTEGER REFERENCES handle (ROWID)
	ON DELETE CASCADE, UNIQUE (chat_id, handle_id));
CREATE TABLE message_attachment_join (message_id INTEGER REFERENCES message (ROWID) ON DELETE CASCADE, attachment_id INTEGER
	REFERENCES attachment (ROWID) ON DELETE CASCADE, UNIQUE (message_id, attachment_id));
CREATE TABLE chat_recoverable_message_join (chat_id INTEGER, message_id INTEGER, delete_date INTEGER, ck_sync_state INTEGER DEFAULT 0,
	PRIMARY KEY (chat_id, message_id));
CREATE TABLE deleted_messages (ROWID INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, guid TEXT NOT NULL);
CREATE INDEX message_idx_date ON message(date);
CREATE INDEX message_idx_handle ON message(handle_id, date);
CREATE INDEX message_idx_is_read ON message(is_read, is_from_me, is_finished);
CREATE INDEX message_idx_associated_message ON message(associated_message_guid);
CREATE INDEX message_idx_cache_has_attachments ON message(cache_has_attachments);
CREATE INDEX chat_message_join_idx_message_id_only ON chat_message_join(message_id);
CREATE INDEX chat_message_join_idx_message_date_id_chat_id ON chat_message_join(chat_id, message_date, message_id);
CREATE INDEX chat_handle_join_idx_handle_id ON chat_handle_join(handle_id);
CREATE INDEX message_attachment_join_idx_attachment_id ON message_attachment_join(attachment_id);`

// Attachment is a file that a message came with.
type Attachment struct {
	Path string // in MediaDomain
	Seed uint64
	Size int64
	At   time.Time
}

// CreateMessages makes the tables, and a conversation with everybody.
func CreateMessages(db *DB, d *dice.Dice, people []dice.Person) {
	db.Script(messageSchema)
	handles := make([]int64, len(people))
	for i, p := range people {
		service := dice.Pick(d, []string{"iMessage", "iMessage", "SMS", "RCS"})
		handles[i] = db.Insert(`INSERT INTO handle(id, country, service, uncanonicalized_id) VALUES(?,?,?,?)`, p.Phone, p.Country, service, p.Phone)
		chat := db.Insert(`INSERT INTO chat(guid, style, state, chat_identifier, service_name, account_login) VALUES(?,45,3,?,?,'E:owner@example.org')`,
			service+";-;"+p.Phone, p.Phone, service)
		db.Exec(`INSERT INTO chat_handle_join VALUES(?,?)`, chat, handles[i])
	}
	for i := range len(people) / 5 {
		id := fmt.Sprintf("chat%d", 100_000_000_000+d.Int64N(800_000_000_000))
		name := any(d.Title())
		if i%3 == 2 {
			name = nil
		}
		chat := db.Insert(`INSERT INTO chat(guid, style, state, chat_identifier, service_name, room_name, display_name, group_id)
			VALUES(?,43,3,?,'iMessage',?,?,?)`, "iMessage;+;"+id, id, id, name, d.UUID())
		for _, h := range d.Perm(len(people))[:min(d.Between(2, 6), len(people))] {
			db.Exec(`INSERT INTO chat_handle_join VALUES(?,?)`, chat, handles[h])
		}
	}
}

// conversation is a chat and who is in it.
type conversation struct {
	id      int64
	handles []int64
	room    any
	service string
}

func conversations(db *DB) []conversation {
	var all []conversation
	db.Each(func(row *sqlite3.Stmt) {
		if n := len(all); n == 0 || all[n-1].id != row.ColumnInt64(0) {
			all = append(all, conversation{id: row.ColumnInt64(0), service: row.ColumnText(2)})
			if room := row.ColumnText(3); room != "" {
				all[n].room = room
			}
		}
		c := &all[len(all)-1]
		c.handles = append(c.handles, row.ColumnInt64(1))
	}, `SELECT c.ROWID, j.handle_id, c.service_name, c.room_name FROM chat c JOIN chat_handle_join j ON j.chat_id = c.ROWID
		ORDER BY c.ROWID, j.handle_id`)
	return all
}

// AddMessages writes n messages sent or received between two times; one in
// attachEvery brings a file, whose description is returned.
func AddMessages(db *DB, d *dice.Dice, n, attachEvery int, from, to time.Time) []Attachment {
	chats := conversations(db)
	if len(chats) == 0 {
		return nil
	}
	w := messageWriter{db: db, d: d, chats: chats, attachEvery: attachEvery}
	step := to.Sub(from) / time.Duration(max(n, 1))
	for i := range n {
		w.add(from.Add(step*time.Duration(i) + time.Duration(d.Int64N(int64(max(step, 1))))))
	}
	return w.files
}

type messageWriter struct {
	db          *DB
	d           *dice.Dice
	chats       []conversation
	attachEvery int
	files       []Attachment
	last        string // the message before, for tapbacks and replies
}

func (w *messageWriter) add(at time.Time) {
	d, c := w.d, w.chats[w.d.Early(len(w.chats))]
	m := message{
		guid: d.UUID(), chat: c, at: at, handle: dice.Pick(d, c.handles), fromMe: d.Chance(45), read: d.Chance(95),
	}
	switch draw := d.IntN(100); {
	case draw < 6 && w.last != "":
		m.tapback(d, w.last)
	case draw < 10 && w.last != "":
		m.thread = w.last
		m.text = d.Sentence()
	case d.IntN(w.attachEvery) == 0:
		m.text = "\ufffc"
		if d.Chance(30) {
			m.text += d.Sentence()
		}
		m.attached = true
	default:
		m.text = d.Sentence()
		if d.Chance(4) {
			m.text = d.Text(600)
		}
	}
	id := m.insert(w.db, d)
	if m.attached {
		w.attach(id, m)
	}
	if m.kind == 0 {
		w.last = m.guid
	}
}

// message is a row of the message table before it is one.
type message struct {
	guid, text   string
	chat         conversation
	handle       int64
	at           time.Time
	fromMe, read bool
	attached     bool
	thread       any // guid of the message it answers
	target       any // guid of the message a tapback is about
	kind         int // 2000… of a tapback
	emoji        any
}

func (m *message) tapback(d *dice.Dice, target string) {
	m.kind, m.target = d.Between(2000, 2006), "p:0/"+target
	if d.Chance(10) {
		m.kind += 1000 // taken back
	}
	if m.kind%1000 == 6 {
		m.emoji = d.Emoji()
	}
	verbs := []string{"Loved", "Liked", "Disliked", "Laughed at", "Emphasised", "Questioned", "Reacted to"}
	m.text = verbs[m.kind%1000] + " a message"
}

func (m *message) insert(db *DB, d *dice.Dice) int64 {
	date := CocoaNanos(m.at)
	var text any
	if d.Chance(30) {
		text = m.text
	}
	var edited, readAt any = 0, 0
	if d.Chance(1) {
		edited = date + int64(90*time.Second)
	}
	if m.read {
		readAt = date + int64(time.Duration(d.Between(1, 3000))*time.Second)
	}
	handle := m.handle
	if m.fromMe && m.chat.room != nil {
		handle = 0
	}
	id := db.Insert(`INSERT INTO message(guid, text, attributedBody, handle_id, service, account, date, date_read, date_delivered, is_delivered,
		is_finished, is_from_me, is_read, is_sent, cache_has_attachments, cache_roomnames, associated_message_guid, associated_message_type,
		associated_message_emoji, thread_originator_guid, date_edited, destination_caller_id)
		VALUES(?,?,?,?,?,'e:owner@example.org',?,?,?,1,1,?,?,?,?,?,?,?,?,?,?,'owner@example.org')`,
		m.guid, text, typedstream(m.text), handle, m.chat.service, date, readAt, date+int64(time.Second), m.fromMe, m.read, m.fromMe,
		m.attached, m.chat.room, m.target, m.kind, m.emoji, m.thread, edited)
	db.Exec(`INSERT INTO chat_message_join VALUES(?,?,?)`, m.chat.id, id, date)
	return id
}

func (w *messageWriter) attach(message int64, m message) {
	guid := w.d.UUID()
	n := w.db.Int(`SELECT count(*) FROM attachment`)
	name := fmt.Sprintf("IMG_%04d.JPG", n%9999+1)
	uti, mime := "public.jpeg", "image/jpeg"
	if w.d.Chance(15) {
		name, uti, mime = fmt.Sprintf("Audio Message %d.caf", n), "com.apple.coreaudio-format", "audio/x-caf"
	}
	path := "Library/SMS/Attachments/" + strings.ToLower(guid[:2]) + fmt.Sprintf("/%02d/", w.d.IntN(16)) + guid + "/" + name
	a := Attachment{Path: path, Seed: w.d.Uint64(), Size: int64(w.d.Between(3000, 60_000)), At: m.at}
	row := w.db.Insert(`INSERT INTO attachment(guid, created_date, filename, uti, mime_type, transfer_state, is_outgoing, transfer_name, total_bytes,
		original_guid) VALUES(?,?,?,?,?,5,?,?,?,?)`, guid, CocoaSeconds(m.at), "~/"+path, uti, mime, m.fromMe, name, a.Size, guid)
	w.db.Exec(`INSERT INTO message_attachment_join VALUES(?,?)`, message, row)
	w.files = append(w.files, a)
}

// TouchMessage reads or deletes one of the first known messages, wherever it
// is in the database.
func TouchMessage(db *DB, d *dice.Dice, known int64, now time.Time) {
	id := 1 + d.Int64N(max(known, 1))
	if d.Chance(70) {
		db.Exec(`UPDATE message SET is_read = 1 - is_read, date_read = ? WHERE ROWID = ?`, CocoaNanos(now), id)
		return
	}
	db.Exec(`INSERT INTO deleted_messages(guid) SELECT guid FROM message WHERE ROWID = ?`, id)
	db.Exec(`DELETE FROM chat_message_join WHERE message_id = ?`, id)
	db.Exec(`DELETE FROM message WHERE ROWID = ?`, id)
}
