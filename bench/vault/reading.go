package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"russet"
	"russet/internal/secrets"
	"russet/internal/sqlitefs"
	"russet/internal/vault"
	"russet/internal/vault/backend"
	"russet/mobilesync"
	"russet/vphone/content"
)

// readFigures are about reading a little out of much: steps in order, each
// with what it cost the place where the vault is.
type readFigures struct {
	Machine  string                 `json:"machine"`
	Database int64                  `json:"database"`
	Places   map[string][]readTrial `json:"places"`
}

type readTrial struct {
	What     string  `json:"what"`
	Seconds  float64 `json:"seconds"`
	Gets     int64   `json:"gets"`
	Lists    int64   `json:"lists"`
	BytesGot int64   `json:"bytes"`
	Read     int64   `json:"read"` // bytes the reader asked for
}

// The places, in the order of the table.
const (
	onDisk = "on this disk"
	onS3   = "S3, on this computer"
)

// reading puts one backup with a large message database into a vault on the
// disk and into one on an S3 server, and opens each as a program that was just
// started, with empty caches.
func reading(ctx context.Context, b *bench) (err error) {
	if !b.has("russet") {
		return nil
	}
	dir, leave, err := b.room("reading")
	if err != nil {
		return err
	}
	defer leave()
	messages := int64(500e6)
	if b.quick {
		messages = 20e6
	}
	l, err := b.newLab(ctx, "reading", content.Options{Profile: "tiny", MessageBytes: messages}, password)
	if err != nil {
		return err
	}
	theirs, err := newIdevice(ctx, l, filepath.Join(dir, "folder"))
	if err == nil {
		_, err = theirs.backup(ctx, false)
	}
	if err := errors.Join(err, l.close()); err != nil {
		return err
	}
	s3, err := startS3(ctx, filepath.Join(dir, "s3"))
	if err != nil {
		return err
	}
	defer s3.stop()
	f := readFigures{Machine: machine(ctx), Database: messages, Places: map[string][]readTrial{}}
	for name, place := range map[string]backend.Options{
		onDisk: {Location: backend.Location{Kind: backend.File, Path: filepath.Join(dir, "vault")}},
		onS3:   {Location: s3.location, Credentials: s3.credentials},
	} {
		if err := fill(ctx, place, filepath.Join(dir, "fill-"+place.Location.Kind), theirs.folder()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r := &reader{ctx: ctx}
		if err := r.read(place, filepath.Join(dir, "read-"+place.Location.Kind)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		f.Places[name] = r.trials
	}
	return save(b.options, "reading", f)
}

// ourVault is a vault that this process opened itself.
type ourVault struct {
	*vault.Store
	place *backend.Backend
}

func (v *ourVault) close(ctx context.Context) error {
	return errors.Join(v.Close(), v.place.Close(ctx))
}

func openVault(ctx context.Context, place backend.Options, state string, create bool) (*ourVault, error) {
	place.Create = create
	at, err := backend.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	o := vault.Options{Name: "bench", Backend: at, Password: "of the bench", State: state, Remote: !place.Location.Local()}
	if create {
		err = vault.Create(ctx, o)
	}
	var s *vault.Store
	if err == nil {
		s, err = vault.Open(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, at.Close(ctx))
	}
	return &ourVault{s, at}, nil
}

// fill imports a folder into a new vault.
func fill(ctx context.Context, place backend.Options, state, folder string) (err error) {
	v, err := openVault(ctx, place, state, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.close(ctx)) }()
	_, err = v.Import(ctx, os.DirFS(folder), russet.ImportOptions{
		Passwords: func(context.Context, russet.UDID) (string, error) { return password, nil },
	})
	return err
}

// reader takes the steps and notes what each cost.
type reader struct {
	ctx    context.Context // of the one run it is for
	vault  *ourVault
	trials []readTrial
}

// step times one step; do returns how many bytes it was after.
func (r *reader) step(what string, do func() (int64, error)) error {
	var before backend.Counters
	if r.vault != nil {
		before = r.vault.place.Counters()
	}
	start := time.Now()
	n, err := do()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	t := readTrial{What: what, Seconds: time.Since(start).Seconds(), Read: n}
	after := r.vault.place.Counters()
	t.Gets, t.Lists, t.BytesGot = after.Gets-before.Gets, after.Lists-before.Lists, after.BytesGot-before.BytesGot
	progress("%s: %.3f s, %d gets, %d lists, %d kB", what, t.Seconds, t.Gets, t.Lists, t.BytesGot/1000)
	r.trials = append(r.trials, t)
	return nil
}

func (r *reader) read(place backend.Options, state string) (err error) {
	err = r.step("open the vault", func() (_ int64, err error) {
		r.vault, err = openVault(r.ctx, place, state, false)
		return 0, err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.vault.close(r.ctx)) }()
	var c russet.Contents
	err = r.step("find and open the backup", func() (int64, error) {
		all, err := r.vault.Backups(r.ctx, "")
		if err != nil || len(all) == 0 {
			return 0, errors.Join(err, errors.New("no backup"))
		}
		c, err = r.vault.Open(r.ctx, all[len(all)-1].ID)
		return 0, err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var b *mobilesync.Backup
	err = r.step("open its manifest", func() (_ int64, err error) {
		b, err = mobilesync.Open(r.ctx, c.Folder(), mobilesync.Options{Password: password})
		return 0, err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := r.step("one photo", func() (int64, error) { return r.photo(b) }); err != nil {
		return err
	}
	if err := r.step("another photo", func() (int64, error) { return r.photo(b) }); err != nil {
		return err
	}
	return r.rows(b)
}

// photo reads the next photo of the camera, from the name to the last byte.
func (r *reader) photo(b *mobilesync.Backup) (int64, error) {
	name := fmt.Sprintf("Media/DCIM/100APPLE/IMG_%04d.JPG", len(r.trials)-2)
	rec, err := b.Lookup(r.ctx, "CameraRollDomain", name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	c, err := b.Content(&rec)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, c)
	return n, errors.Join(err, c.Close())
}

// rows reads single rows of the message database where it is.
func (r *reader) rows(b *mobilesync.Backup) (err error) {
	files, err := b.Files(r.ctx)
	if err != nil {
		return err
	}
	var db *sqlitefs.DB
	err = r.step("open the message database", func() (_ int64, err error) {
		db, err = sqlitefs.OpenFS(files, "HomeDomain/Library/SMS/sms.db")
		return 0, err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, q := range []struct{ what, query string }{
		{"one row by its number", `SELECT length(attributedBody) FROM message WHERE ROWID = 1234`},
		{"the newest row by its day", `SELECT length(attributedBody) FROM message ORDER BY date DESC LIMIT 1`},
	} {
		err := r.step(q.what, func() (n int64, err error) {
			for row, err := range db.Rows(r.ctx, q.query) {
				if err != nil {
					return 0, err
				}
				n += row.Int(0)
			}
			return n, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// gateway is versitygw with one empty bucket.
type gateway struct {
	process     *exec.Cmd
	location    backend.Location
	credentials backend.Credentials
}

func startS3(ctx context.Context, dir string) (*gateway, error) {
	const bucket = "phones"
	root, extra := filepath.Join(dir, "root"), filepath.Join(dir, "attributes")
	for _, d := range []string{filepath.Join(root, bucket), extra} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err := errors.Join(err, l.Close()); err != nil {
		return nil, err
	}
	g := &gateway{credentials: backend.Credentials{AccessKey: "bench", SecretKey: secrets.Secret("secret of the bench")}}
	g.location = backend.Location{Kind: backend.S3, Bucket: bucket, Host: "127.0.0.1"}
	if g.location.Port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	g.process = exec.CommandContext(ctx, "versitygw", "--quiet", "--port", address, "posix", "--sidecar", extra, root)
	g.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+g.credentials.AccessKey, "ROOT_SECRET_ACCESS_KEY="+string(g.credentials.SecretKey))
	if err := g.process.Start(); err != nil {
		return nil, fmt.Errorf("start versitygw, which conformance/install-servers installs: %w", err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return g, conn.Close()
		}
		if time.Now().After(deadline) {
			g.stop()
			return nil, fmt.Errorf("versitygw does not answer: %w", err)
		}
	}
}

func (g *gateway) stop() {
	_ = g.process.Process.Kill()
	_ = g.process.Wait() // it was killed; how it ended says nothing
}
