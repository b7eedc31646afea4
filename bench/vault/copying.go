package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"russet"
	"russet/internal/vault/backend"
	"russet/mobilesync"
)

// copyFigures are about copying one backup after the other from a vault to
// another.
type copyFigures struct {
	Machine string      `json:"machine"`
	Files   int         `json:"files"`
	Size    int64       `json:"size"`
	Copies  []copyTrial `json:"copies"`
}

// copyTrial is one copy, and what it cost both vaults, in bytes.
type copyTrial struct {
	What    string  `json:"what"`
	Seconds float64 `json:"seconds"`
	Got     int64   `json:"got"` // from the vault that is copied
	There   int64   `json:"there"`
	Put     int64   `json:"put"`
}

const (
	copyFile  = 256 << 10
	copyTable = 24 << 20 // bytes of the one big file, a fortieth
)

// copying makes three backups of a plain phone in one vault, and copies each to
// another: of the second a hundredth of the files is new, of the third as much
// and one big file, in which some bytes differ.
func copying(ctx context.Context, b *bench) (err error) {
	if !b.has("russet") {
		return nil
	}
	dir, leave, err := b.room("copying")
	if err != nil {
		return err
	}
	defer leave()
	files := 3900
	if b.quick {
		files = 200
	}
	home, away := vaultOf(dir, "home"), vaultOf(dir, "away")
	for _, v := range []benchVault{home, away} {
		made, err := openVault(ctx, v.place, v.state, true)
		if err == nil {
			err = made.close(ctx)
		}
		if err != nil {
			return err
		}
	}
	f := copyFigures{Machine: machine(ctx), Files: files + 1}
	for day, what := range []string{"the first", "the next, 1 % of the files changed", "the next, 1 % and a few bytes of the big file"} {
		folder := filepath.Join(b.fast, fmt.Sprint("copying-", day))
		if f.Size, err = copyFolder(ctx, folder, day, files); err != nil {
			return err
		}
		made, err := home.take(ctx, os.DirFS(folder))
		if err = errors.Join(err, removeAll(folder)); err != nil {
			return err
		}
		trial, err := copyOne(ctx, home, away, made.ID)
		if err != nil {
			return err
		}
		trial.What = what
		progress("%s: %.2f s, read %s", what, trial.Seconds, mb(trial.Got))
		f.Copies = append(f.Copies, trial)
	}
	return save(b.options, "copying", f)
}

// benchVault is where a vault is.
type benchVault struct {
	place backend.Options
	state string
}

func vaultOf(dir, name string) benchVault {
	return benchVault{
		place: backend.Options{Location: backend.Location{Kind: backend.File, Path: filepath.Join(dir, name)}},
		state: filepath.Join(dir, name+"-state"),
	}
}

// take imports a folder.
func (v benchVault) take(ctx context.Context, folder fs.FS) (b russet.Backup, err error) {
	s, err := openVault(ctx, v.place, v.state, false)
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	return s.Import(ctx, folder, russet.ImportOptions{})
}

// copyOne copies as "russet copy" does that was just started.
func copyOne(ctx context.Context, home, away benchVault, id russet.BackupID) (t copyTrial, err error) {
	began := time.Now()
	from, err := openVault(ctx, home.place, home.state, false)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, from.close(ctx)) }()
	to, err := openVault(ctx, away.place, away.state, false)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, to.close(ctx)) }()
	opened, err := from.Open(ctx, id)
	if err != nil {
		return t, err
	}
	_, err = to.Import(ctx, opened.Folder(), russet.ImportOptions{ID: id})
	source, target := from.place.Counters(), to.place.Counters()
	t = copyTrial{Seconds: time.Since(began).Seconds(), Got: source.BytesGot, There: target.BytesGot, Put: target.BytesPut}
	return t, errors.Join(err, opened.Close())
}

// copyFolder writes the backup of a day: noise, of which each day a hundredth is
// new.
func copyFolder(ctx context.Context, dir string, day, files int) (size int64, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	w, err := mobilesync.Create(dir, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	add := func(name string, n, seed, age int) error {
		data := make([]byte, n)
		rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(age), byte(n >> 20)}).Read(data) //nolint:errcheck // it never fails
		copy(data, name)
		if n == copyTable {
			data[n/2] += byte(day / 2)
		}
		size += int64(n)
		r := mobilesync.Record{Domain: "CameraRollDomain", Path: name, Kind: mobilesync.File}
		r.Size, r.Mode = int64(n), 0o100644
		return w.Add(ctx, r, bytes.NewReader(data))
	}
	for i := range files {
		age := 0
		if d := i % 100; d < day {
			age = d + 1
		}
		if err := add(fmt.Sprintf("Media/IMG_%05d.JPG", i), copyFile, i, age); err != nil {
			return size, err
		}
	}
	if err := add("Media/Photos.sqlite", copyTable, 0, 0); err != nil {
		return size, err
	}
	when := time.Date(2026, 1, 1+day, 12, 0, 0, 0, time.UTC)
	return size, w.Finish(&mobilesync.Info{}, mobilesync.Manifest{Date: when, Lockdown: mobilesync.Lockdown{
		DeviceName: "A phone", ProductVersion: "26.0", UniqueDeviceID: "00008101-000A11112222001E",
	}})
}
