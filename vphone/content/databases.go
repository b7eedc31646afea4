package content

import (
	"fmt"
	"time"

	"russet/vphone/content/internal/dice"
	"russet/vphone/content/internal/iosdb"
	"russet/vphone/content/internal/picture"
)

// Where the databases are.
const (
	notesGroup     = "AppDomainGroup-group.com.apple.notes"
	remindersGroup = "AppDomainGroup-group.com.apple.reminders"
	recordingGroup = "AppDomainGroup-group.com.apple.VoiceMemos.shared"
	whatsAppGroup  = "AppDomainGroup-group.net.whatsapp.WhatsApp.shared"

	messagesPath  = "Library/SMS/sms.db"
	contactsPath  = "Library/AddressBook/AddressBook.sqlitedb"
	callsPath     = "Library/CallHistoryDB/CallHistory.storedata"
	calendarPath  = "Library/Calendar/Calendar.sqlitedb"
	historyPath   = "Library/Safari/History.db"
	photosPath    = "Media/PhotoData/Photos.sqlite"
	notesPath     = "NoteStore.sqlite"
	whatsAppPath  = "ChatStorage.sqlite"
	healthPath    = "Health/healthdb_secure.sqlite"
	dataUsagePath = "Library/Databases/DataUsage.sqlite"
)

// roll starts the stream of draws of one part of the phone.
func (m *maker) roll(part string) *dice.Dice { return dice.New(m.seed, part, m.now.String()) }

func (m *maker) databases(p plan, o Options, apps []App, people []dice.Person) {
	m.messages(p, o, people)
	m.home(p, apps, people)
	m.notes(p)
	m.voice(people)
	m.whatsApp(p, people)
	m.health(p)
}

// attachEvery is how many messages there are to one with a file.
const attachEvery = 25

func (m *maker) messages(p plan, o Options, people []dice.Person) {
	d := m.roll("messages")
	var files []iosdb.Attachment
	m.database("HomeDomain", messagesPath, func(db *iosdb.DB) {
		iosdb.CreateMessages(db, d, people)
		files = iosdb.AddMessages(db, d, p.messages, attachEvery, beginning, m.now)
		for size := int64(0); size < o.MessageBytes && db.Err() == nil && m.ctx.Err() == nil; {
			// The years before: a quarter of a message in kilobytes fits well.
			n := max(int((o.MessageBytes-size)/1300), 100)
			iosdb.AddMessages(db, d, n, 1<<30, beginning, m.now)
			var err error
			if size, err = db.Flush(); err != nil {
				m.fail(err)
			}
		}
	})
	m.attachments("MediaDomain", files)
	m.plist("HomeDomain", "Library/SMS/Drafts/composition.plist", map[string]any{"text": d.Sentence()})
}

func (m *maker) attachments(domain string, files []iosdb.Attachment) {
	for _, f := range files {
		m.photo(domain, f.Path, f.Seed, f.Size, at(f.At.Truncate(time.Second)))
	}
}

func (m *maker) home(p plan, apps []App, people []dice.Person) {
	d := m.roll("home")
	lastYear := m.now.AddDate(-1, 0, 0)
	m.database("HomeDomain", contactsPath, func(db *iosdb.DB) { iosdb.CreateContacts(db, d, people, m.now) })
	m.database("HomeDomain", "Library/AddressBook/AddressBookImages.sqlitedb", func(db *iosdb.DB) {
		iosdb.CreateContactImages(db, d, people, func() []byte {
			b, err := picture.JPEG(d, 64, 64)
			m.fail(err)
			return b
		})
	})
	m.database("HomeDomain", callsPath, func(db *iosdb.DB) {
		iosdb.CreateCalls(db, d)
		iosdb.AddCalls(db, d, people, min(p.messages/4, 900), lastYear, m.now)
	})
	m.database("HomeDomain", calendarPath, func(db *iosdb.DB) {
		iosdb.CreateCalendar(db, d, people)
		iosdb.AddEvents(db, d, p.people*3, beginning, m.now.AddDate(0, 6, 0))
	})
	m.database("HomeDomain", "Library/Safari/Bookmarks.db", func(db *iosdb.DB) { iosdb.CreateBookmarks(db, d, 40, beginning, m.now) })
	m.database("HomeDomain", historyPath, func(db *iosdb.DB) {
		iosdb.CreateHistory(db)
		iosdb.AddVisits(db, d, p.messages/3, m.now.AddDate(0, -1, 0), m.now)
	})
	m.database("HomeDomain", "Library/Accounts/Accounts3.sqlite", func(db *iosdb.DB) { iosdb.CreateAccounts(db, d, beginning) })
	bundles := []string{"com.apple.mobilesafari", "com.apple.MobileSMS", "com.apple.mobileslideshow"}
	for _, a := range apps {
		bundles = append(bundles, a.BundleID)
	}
	m.database("HomeDomain", "Library/TCC/TCC.db", func(db *iosdb.DB) { iosdb.CreateTCC(db, d, bundles, m.now) }, class(4))
	m.database("WirelessDomain", dataUsagePath, func(db *iosdb.DB) { iosdb.CreateUsage(db, d, bundles, m.now) }, owned(25, -2))
	m.database(remindersGroup, "Container_v1/Stores/Data-"+d.UUID()+".sqlite", func(db *iosdb.DB) {
		iosdb.CreateReminders(db, d, p.people, beginning, m.now)
	})
}

func (m *maker) notes(p plan) {
	d := m.roll("notes")
	var media []iosdb.NoteMedia
	m.database(notesGroup, notesPath, func(db *iosdb.DB) {
		iosdb.CreateNotes(db, d)
		media = iosdb.AddNotes(db, d, p.people, beginning, m.now)
	})
	m.noteMedia(media)
}

func (m *maker) noteMedia(media []iosdb.NoteMedia) {
	for _, f := range media {
		m.photo(notesGroup, f.Path, f.Seed, f.Size, at(f.At), flagged(128))
	}
}

func (m *maker) voice(people []dice.Person) {
	d := m.roll("voice")
	const mails = 4
	m.database("HomeDomain", "Library/Voicemail/voicemail.db", func(db *iosdb.DB) {
		iosdb.CreateVoicemail(db, d, people, mails, beginning, m.now)
	})
	for i := 1; i <= mails; i++ {
		m.media("HomeDomain", fmt.Sprintf("Library/Voicemail/%d.amr", i), []byte("#!AMR\n"), d.Uint64(), int64(d.Between(6000, 30_000)))
		m.plist("HomeDomain", fmt.Sprintf("Library/Voicemail/%d.transcript", i), map[string]any{"transcriptionString": d.Sentence(), "confidence": 0.75})
	}
	var recordings []iosdb.Recording
	for range 3 {
		when := d.Time(beginning, m.now)
		r := iosdb.Recording{Name: when.Format("20060102 150405") + fmt.Sprintf("-%08X.m4a", d.Uint32()), At: when}
		recordings = append(recordings, r)
		m.media(recordingGroup, "Recordings/"+r.Name, picture.M4A(), d.Uint64(), int64(d.Between(20_000, 90_000)), at(when))
	}
	m.database(recordingGroup, "Recordings/CloudRecordings.db", func(db *iosdb.DB) { iosdb.CreateRecordings(db, d, recordings) })
}

func (m *maker) whatsApp(p plan, people []dice.Person) {
	d := m.roll("whatsapp")
	var files []iosdb.Attachment
	m.database(whatsAppGroup, whatsAppPath, func(db *iosdb.DB) {
		iosdb.CreateWhatsApp(db, d, people)
		files = iosdb.AddWhatsApp(db, d, p.messages, attachEvery, beginning, m.now)
	})
	m.attachments(whatsAppGroup, files)
}

func (m *maker) health(p plan) {
	d := m.roll("health")
	m.database("HealthDomain", "Health/healthdb.sqlite", func(db *iosdb.DB) { iosdb.CreateHealthSources(db, d, beginning) }, encryptedOnly, class(1))
	m.database("HealthDomain", healthPath, func(db *iosdb.DB) {
		iosdb.CreateHealth(db)
		iosdb.AddSamples(db, d, p.samples, m.now.AddDate(-1, 0, 0), m.now)
	}, encryptedOnly, class(2))
	m.media("HealthDomain", "Health/healthdb_secure.hfd", []byte("HFDFile"), d.Uint64(), int64(p.samples)*40, encryptedOnly, class(2))
	m.plist("HealthDomain", "MedicalID/MedicalIDData.archive", map[string]any{"bloodType": "0+", "notes": d.Sentence()}, encryptedOnly, class(1))
}
