package iosdb

import (
	"time"

	"russet/vphone/content/internal/dice"
)

const photoSchema = `
CREATE TABLE ZASSET (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZADJUSTMENTSSTATE INTEGER, ZAVALANCHEPICKTYPE INTEGER,
	ZCLOUDLOCALSTATE INTEGER, ZCOMPLETE INTEGER, ZFAVORITE INTEGER, ZHASADJUSTMENTS INTEGER, ZHEIGHT INTEGER, ZHIDDEN INTEGER, ZKIND INTEGER,
	ZKINDSUBTYPE INTEGER, ZORIENTATION INTEGER, ZPLAYBACKSTYLE INTEGER, ZSAVEDASSETTYPE INTEGER, ZTHUMBNAILINDEX INTEGER,
	ZTRASHEDSTATE INTEGER, ZVISIBILITYSTATE INTEGER, ZWIDTH INTEGER, ZADDITIONALATTRIBUTES INTEGER, ZEXTENDEDATTRIBUTES INTEGER,
	ZADDEDDATE TIMESTAMP, ZDATECREATED TIMESTAMP, ZDURATION FLOAT, ZLATITUDE FLOAT, ZLONGITUDE FLOAT, ZMODIFICATIONDATE TIMESTAMP,
	ZSORTTOKEN TIMESTAMP, ZTRASHEDDATE TIMESTAMP, ZAVALANCHEUUID VARCHAR, ZDIRECTORY VARCHAR, ZFILENAME VARCHAR,
	ZUNIFORMTYPEIDENTIFIER VARCHAR, ZUUID VARCHAR);
CREATE TABLE ZADDITIONALASSETATTRIBUTES (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZORIGINALFILESIZE INTEGER,
	ZORIGINALHEIGHT INTEGER, ZORIGINALWIDTH INTEGER, ZTIMEZONEOFFSET INTEGER, ZASSET INTEGER, ZCREATORBUNDLEID VARCHAR,
	ZORIGINALFILENAME VARCHAR, ZTIMEZONENAME VARCHAR, ZTITLE VARCHAR, ZEXIFTIMESTAMPSTRING VARCHAR);
CREATE TABLE ZEXTENDEDATTRIBUTES (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZASSET INTEGER, ZISO INTEGER, ZAPERTURE FLOAT,
	ZSHUTTERSPEED FLOAT, ZCAMERAMAKE VARCHAR, ZCAMERAMODEL VARCHAR, ZLENSMODEL VARCHAR);
CREATE TABLE ZINTERNALRESOURCE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZDATALENGTH INTEGER, ZLOCALAVAILABILITY INTEGER,
	ZREMOTEAVAILABILITY INTEGER, ZRESOURCETYPE INTEGER, ZVERSION INTEGER, ZASSET INTEGER);
CREATE TABLE ZGENERICALBUM (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZCACHEDCOUNT INTEGER, ZKIND INTEGER, ZTRASHEDSTATE INTEGER,
	ZCREATIONDATE TIMESTAMP, ZTITLE VARCHAR, ZUUID VARCHAR);
CREATE TABLE Z_30ASSETS (Z_30ALBUMS INTEGER, Z_3ASSETS INTEGER, Z_FOK_3ASSETS INTEGER, PRIMARY KEY (Z_30ALBUMS, Z_3ASSETS));
CREATE TABLE ZPERSON (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZFACECOUNT INTEGER, ZFULLNAME VARCHAR, ZDISPLAYNAME VARCHAR,
	ZPERSONUUID VARCHAR);
CREATE TABLE ZDETECTEDFACE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZASSETFORFACE INTEGER, ZPERSONFORFACE INTEGER,
	ZCENTERX FLOAT, ZCENTERY FLOAT, ZSIZE FLOAT, ZUUID VARCHAR);
CREATE INDEX Z_Asset_dateCreated ON ZASSET(ZDATECREATED);
CREATE INDEX Z_Asset_uuid ON ZASSET(ZUUID);
CREATE INDEX Z_Asset_directoryFilename ON ZASSET(ZDIRECTORY, ZFILENAME);
CREATE INDEX Z_AdditionalAssetAttributes_asset ON ZADDITIONALASSETATTRIBUTES(ZASSET);
CREATE INDEX Z_InternalResource_asset ON ZINTERNALRESOURCE(ZASSET, ZRESOURCETYPE, ZVERSION);
CREATE INDEX Z_DetectedFace_assetForFace ON ZDETECTEDFACE(ZASSETFORFACE);`

// albumEntity is GenericAlbum's number on iOS 18: its join table is named by it.
const albumEntity = 30

// Asset is a photo or video on the phone.
type Asset struct {
	Directory string // below Media: "DCIM/100APPLE"
	Name      string
	UUID      string
	Original  string // its name in the camera
	Size      int64
	At        time.Time
	Video     bool
	Live      bool // a photo with a film of the same stem
	Favorite  bool
	Hidden    bool
	Trashed   bool
	Edited    bool
	UTI       string
}

// CreatePhotos makes Photos.sqlite with its albums and people.
func CreatePhotos(db *DB, d *dice.Dice, people []dice.Person, now time.Time) {
	entities := make([]string, 60)
	for n, name := range map[int]string{
		1: "AdditionalAssetAttributes", 3: "Asset", 20: "DetectedFace", 24: "ExtendedAttributes", albumEntity: "GenericAlbum", 31: "Album",
		45: "InternalResource", 52: "Person",
	} {
		entities[n-1] = name
	}
	createCoreData(db, d, entities...)
	db.Script(photoSchema)
	for range 3 {
		db.Exec(`INSERT INTO ZGENERICALBUM(Z_ENT, Z_OPT, ZCACHEDCOUNT, ZKIND, ZTRASHEDSTATE, ZCREATIONDATE, ZTITLE, ZUUID) VALUES(31,1,0,2,0,?,?,?)`,
			Cocoa(now), d.Title(), d.UUID())
	}
	for _, p := range people[:min(len(people), 8)] {
		db.Exec(`INSERT INTO ZPERSON(Z_ENT, Z_OPT, ZFACECOUNT, ZFULLNAME, ZDISPLAYNAME, ZPERSONUUID) VALUES(52,1,0,?,?,?)`, p.Name(), p.First, d.UUID())
	}
}

// AddAsset enters one photo or video.
func AddAsset(db *DB, d *dice.Dice, a Asset) {
	kind, subtype, style, duration := 0, 0, 1, 0.0
	switch {
	case a.Video:
		kind, subtype, style, duration = 1, 100, 4, float64(d.Between(2, 200))
	case a.Live:
		subtype, style = 2, 3
	case d.Chance(8):
		subtype = 10
	}
	latitude, longitude := -180.0, -180.0
	if d.Chance(70) {
		latitude, longitude = float64(d.Between(-60_000, 60_000))/1000, float64(d.Between(-170_000, 170_000))/1000
	}
	var trashed any
	if a.Trashed {
		trashed = Cocoa(a.At.Add(48 * time.Hour))
	}
	id := db.Insert(`INSERT INTO ZASSET(Z_ENT, Z_OPT, ZCOMPLETE, ZFAVORITE, ZHASADJUSTMENTS, ZHEIGHT, ZHIDDEN, ZKIND, ZKINDSUBTYPE, ZORIENTATION,
		ZPLAYBACKSTYLE, ZSAVEDASSETTYPE, ZTRASHEDSTATE, ZVISIBILITYSTATE, ZWIDTH, ZADDEDDATE, ZDATECREATED, ZDURATION, ZLATITUDE, ZLONGITUDE,
		ZMODIFICATIONDATE, ZSORTTOKEN, ZTRASHEDDATE, ZDIRECTORY, ZFILENAME, ZUNIFORMTYPEIDENTIFIER, ZUUID)
		VALUES(3,1,1,?,?,3024,?,?,?,1,?,3,?,0,4032,?,?,?,?,?,?,?,?,?,?,?,?)`,
		a.Favorite, a.Edited, a.Hidden, kind, subtype, style, a.Trashed, Cocoa(a.At), Cocoa(a.At), duration, latitude, longitude,
		Cocoa(a.At), Cocoa(a.At), trashed, a.Directory, a.Name, a.UTI, a.UUID)
	db.Exec(`UPDATE ZASSET SET ZTHUMBNAILINDEX = Z_PK - 1, ZADDITIONALATTRIBUTES = Z_PK, ZEXTENDEDATTRIBUTES = Z_PK WHERE Z_PK = ?`, id)
	db.Exec(`INSERT INTO ZADDITIONALASSETATTRIBUTES(Z_PK, Z_ENT, Z_OPT, ZORIGINALFILESIZE, ZORIGINALHEIGHT, ZORIGINALWIDTH, ZTIMEZONEOFFSET, ZASSET,
		ZCREATORBUNDLEID, ZORIGINALFILENAME, ZTIMEZONENAME, ZEXIFTIMESTAMPSTRING) VALUES(?,1,1,?,3024,4032,3600,?,'com.apple.camera',?,'Europe/Berlin',?)`,
		id, a.Size, id, a.Original, a.At.Format("2006:01:02 15:04:05"))
	db.Exec(`INSERT INTO ZEXTENDEDATTRIBUTES(Z_PK, Z_ENT, Z_OPT, ZASSET, ZISO, ZAPERTURE, ZSHUTTERSPEED, ZCAMERAMAKE, ZCAMERAMODEL)
		VALUES(?,24,1,?,?,1.6,?,'Apple','iPhone 15')`, id, id, d.Between(32, 1600), 1/float64(d.Between(30, 4000)))
	for resource := range 2 {
		db.Exec(`INSERT INTO ZINTERNALRESOURCE(Z_ENT, Z_OPT, ZDATALENGTH, ZLOCALAVAILABILITY, ZREMOTEAVAILABILITY, ZRESOURCETYPE, ZVERSION, ZASSET)
			VALUES(45,1,?,1,0,?,0,?)`, a.Size, resource*5, id)
	}
	if d.Chance(20) {
		album := d.Between(1, 3)
		db.Exec(`INSERT INTO Z_30ASSETS VALUES(?,?,?)`, album, id, id*1024)
		db.Exec(`UPDATE ZGENERICALBUM SET ZCACHEDCOUNT = ZCACHEDCOUNT + 1 WHERE Z_PK = ?`, album)
	}
	if people := db.Int(`SELECT count(*) FROM ZPERSON`); people > 0 && d.Chance(30) {
		db.Exec(`INSERT INTO ZDETECTEDFACE(Z_ENT, Z_OPT, ZASSETFORFACE, ZPERSONFORFACE, ZCENTERX, ZCENTERY, ZSIZE, ZUUID) VALUES(20,1,?,?,0.5,0.5,0.2,?)`,
			id, 1+d.Int64N(people), d.UUID())
	}
	for _, entity := range []string{"Asset", "AdditionalAssetAttributes", "ExtendedAttributes"} {
		count(db, entity, id)
	}
	count(db, "InternalResource", 2*id)
}

// RemoveAsset takes a photo out of the library.
func RemoveAsset(db *DB, directory, name string) {
	id := db.Int(`SELECT Z_PK FROM ZASSET WHERE ZDIRECTORY = ? AND ZFILENAME = ?`, directory, name)
	for _, sql := range []string{
		`DELETE FROM ZASSET WHERE Z_PK = ?`, `DELETE FROM ZADDITIONALASSETATTRIBUTES WHERE ZASSET = ?`,
		`DELETE FROM ZEXTENDEDATTRIBUTES WHERE ZASSET = ?`, `DELETE FROM ZINTERNALRESOURCE WHERE ZASSET = ?`,
		`DELETE FROM ZDETECTEDFACE WHERE ZASSETFORFACE = ?`, `DELETE FROM Z_30ASSETS WHERE Z_3ASSETS = ?`,
	} {
		db.Exec(sql, id)
	}
}

// RandomAsset returns the directory and name of a photo, or empty strings.
func RandomAsset(db *DB, d *dice.Dice) (directory, name string) {
	n := db.Int(`SELECT count(*) FROM ZASSET WHERE ZKIND = 0`)
	if n == 0 {
		return "", ""
	}
	skip := d.Int64N(n)
	for _, s := range db.texts(`SELECT ZDIRECTORY FROM ZASSET WHERE ZKIND = 0 ORDER BY Z_PK LIMIT 1 OFFSET ?`, skip) {
		directory = s
	}
	for _, s := range db.texts(`SELECT ZFILENAME FROM ZASSET WHERE ZKIND = 0 ORDER BY Z_PK LIMIT 1 OFFSET ?`, skip) {
		name = s
	}
	return directory, name
}

// Assets counts the photos and videos ever entered.
func Assets(db *DB) int { return int(db.Int(`SELECT Z_MAX FROM Z_PRIMARYKEY WHERE Z_NAME = 'Asset'`)) }
