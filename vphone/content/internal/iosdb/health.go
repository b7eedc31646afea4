package iosdb

import (
	"time"

	"russet/vphone/content/internal/dice"
)

const healthSourceSchema = `
CREATE TABLE sources (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB UNIQUE NOT NULL, bundle_id TEXT NOT NULL, name TEXT NOT NULL,
	source_options INTEGER NOT NULL DEFAULT 0, local_device INTEGER NOT NULL DEFAULT 0, product_type TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
	mod_date REAL NOT NULL);
CREATE TABLE source_devices (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, manufacturer TEXT, model TEXT, hardware TEXT, firmware TEXT,
	software TEXT, localIdentifier TEXT, creation_date REAL);`

const healthSchema = `
CREATE TABLE data_provenances (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, sync_provenance INTEGER NOT NULL, origin_product_type TEXT NOT NULL,
	origin_build TEXT NOT NULL, local_product_type TEXT NOT NULL, local_build TEXT NOT NULL, source_id INTEGER NOT NULL, device_id INTEGER NOT NULL,
	source_version TEXT NOT NULL, tz_name TEXT NOT NULL);
CREATE TABLE objects (data_id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB UNIQUE, provenance INTEGER NOT NULL, type INTEGER, creation_date REAL);
CREATE TABLE samples (data_id INTEGER PRIMARY KEY, start_date REAL, end_date REAL, data_type INTEGER);
CREATE TABLE quantity_samples (data_id INTEGER PRIMARY KEY, quantity REAL, original_quantity REAL, original_unit INTEGER);
CREATE TABLE quantity_sample_series (data_id INTEGER PRIMARY KEY, count INTEGER NOT NULL DEFAULT 0, insertion_era INTEGER, hfd_key INTEGER UNIQUE NOT NULL);
CREATE TABLE category_samples (data_id INTEGER PRIMARY KEY, value INTEGER);
CREATE TABLE unit_strings (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, unit_string TEXT UNIQUE);
CREATE TABLE workouts (data_id INTEGER PRIMARY KEY, total_distance REAL, goal_type INTEGER, goal REAL, condenser_version INTEGER, condenser_date REAL);
CREATE TABLE workout_activities (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB UNIQUE NOT NULL, owner_id INTEGER NOT NULL,
	is_primary_activity INTEGER NOT NULL, activity_type INTEGER NOT NULL, location_type INTEGER NOT NULL, start_date REAL NOT NULL,
	end_date REAL NOT NULL, duration REAL NOT NULL);
CREATE TABLE workout_statistics (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, workout_activity_id INTEGER NOT NULL, data_type INTEGER NOT NULL,
	quantity REAL NOT NULL, min REAL, max REAL);
CREATE TABLE metadata_keys (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE);
CREATE TABLE metadata_values (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, key_id INTEGER, object_id INTEGER, value_type INTEGER NOT NULL DEFAULT 0,
	string_value TEXT, numerical_value REAL, date_value REAL, data_value BLOB);
CREATE TABLE location_series_data (series_identifier INTEGER NOT NULL, timestamp REAL NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL,
	altitude REAL NOT NULL, speed REAL NOT NULL, course REAL NOT NULL, PRIMARY KEY (series_identifier, timestamp)) WITHOUT ROWID;
CREATE TABLE ACHAchievementsPlugin_earned_instances (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, template_unique_name TEXT, created_date REAL,
	earned_date TEXT, value_canonical_unit TEXT, value_in_canonical_unit REAL, creator_device INTEGER);
INSERT INTO unit_strings(unit_string) VALUES ('count'), ('count/min'), ('km'), ('kcal'), ('kg'), ('cm');
CREATE INDEX samples_type_end ON samples(data_type, end_date);
CREATE INDEX samples_type_start ON samples(data_type, start_date);
CREATE INDEX objects_type ON objects(type, provenance);`

// quantities are the kinds of samples an owner with a watch collects.
var quantities = []struct{ dataType, low, high int }{
	{5, 52, 140}, {5, 52, 140}, {7, 3, 900}, {8, 1, 700}, {9, 1, 30}, {10, 1, 80}, {12, 1, 6}, {118, 48, 75}, {173, 40, 90},
}

// CreateHealthSources makes healthdb.sqlite.
func CreateHealthSources(db *DB, d *dice.Dice, now time.Time) {
	db.Script(healthSourceSchema)
	db.Exec(`INSERT INTO sources(uuid, bundle_id, name, product_type, mod_date) VALUES(?,'com.apple.health','Phone','iPhone15,4',?)`, d.Bytes(16), Cocoa(now))
	db.Exec(`INSERT INTO sources(uuid, bundle_id, name, product_type, mod_date) VALUES(?,'com.apple.health','Watch','Watch6,1',?)`, d.Bytes(16), Cocoa(now))
	db.Exec(`INSERT INTO source_devices(name, manufacturer, model, creation_date) VALUES('Apple Watch','Apple Inc.','Watch',?)`, Cocoa(now))
}

// CreateHealth makes healthdb_secure.sqlite.
func CreateHealth(db *DB) {
	db.Script(healthSchema)
	for source := 1; source <= 2; source++ {
		db.Exec(`INSERT INTO data_provenances(sync_provenance, origin_product_type, origin_build, local_product_type, local_build, source_id, device_id,
			source_version, tz_name) VALUES(0,?,'22G86','iPhone15,4','22G86',?,1,'18.6','Europe/Berlin')`, []string{"iPhone15,4", "Watch6,1"}[source-1], source)
	}
}

// AddSamples writes n measurements between two times, a night's sleep and a
// workout.
func AddSamples(db *DB, d *dice.Dice, n int, from, to time.Time) {
	step := to.Sub(from) / time.Duration(max(n, 1))
	for i := range n {
		q := dice.Pick(d, quantities)
		start := from.Add(step * time.Duration(i))
		id := addSample(db, d, q.dataType, start, start.Add(time.Duration(d.Between(1, 600))*time.Second))
		db.Exec(`INSERT INTO quantity_samples(data_id, quantity) VALUES(?,?)`, id, float64(d.Between(q.low*10, q.high*10))/10)
	}
	sleep := addSample(db, d, 63, from, from.Add(time.Duration(d.Between(5, 9))*time.Hour))
	db.Exec(`INSERT INTO category_samples VALUES(?,1)`, sleep)
	workout := addSample(db, d, 79, from.Add(10*time.Hour), from.Add(11*time.Hour))
	db.Exec(`INSERT INTO workouts(data_id, total_distance) VALUES(?,?)`, workout, float64(d.Between(20, 140))/10)
	activity := db.Insert(`INSERT INTO workout_activities(uuid, owner_id, is_primary_activity, activity_type, location_type, start_date, end_date, duration)
		VALUES(?,?,1,37,2,?,?,3600)`, d.Bytes(16), workout, Cocoa(from.Add(10*time.Hour)), Cocoa(from.Add(11*time.Hour)))
	db.Exec(`INSERT INTO workout_statistics(workout_activity_id, data_type, quantity) VALUES(?,10,?)`, activity, float64(d.Between(200, 900)))
}

func addSample(db *DB, d *dice.Dice, dataType int, start, end time.Time) int64 {
	id := db.Insert(`INSERT INTO objects(uuid, provenance, type, creation_date) VALUES(?,?,1,?)`, d.Bytes(16), d.Between(1, 2), Cocoa(end))
	db.Exec(`INSERT INTO samples VALUES(?,?,?,?)`, id, Cocoa(start), Cocoa(end), dataType)
	return id
}
