package host

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"russet"
	"russet/internal/doctor"
	"russet/internal/home"
	"russet/internal/reach"
	"russet/internal/schedule"
)

// doctorListens is how long the doctor listens: some phones take two seconds
// to answer.
const doctorListens = 4 * time.Second

// DoctorOptions says what the doctor is asked.
type DoctorOptions struct {
	Device string // narrows it to one device; "" is all
	// Service is what the service says that runs here; nil if none does, or
	// nobody asked it.
	Service *ServiceSays
}

// ServiceSays is what a service says when it is asked how it is.
type ServiceSays struct {
	Mute      *russet.Error // why it says nothing
	Troubles  []string      // what keeps it from its work
	Decisions map[russet.UDID]schedule.Decision
}

// Doctor looks at everything a backup needs, from the home folder to the last
// runs, and says of each what it found and what to do. The kind is that of the
// worst finding; 0 when all is well. The error is about the device that was
// named; everything else is a finding.
func (h *Host) Doctor(ctx context.Context, opts DoctorOptions) ([]doctor.Finding, russet.Kind, error) {
	r, err := h.readings(ctx, opts)
	if err != nil {
		return nil, 0, err
	}
	findings := doctor.Examine(r)
	return findings, doctor.Worst(findings), nil
}

// readings looks at the real world, in one place.
func (h *Host) readings(ctx context.Context, opts DoctorOptions) (doctor.Readings, error) {
	r := doctor.Readings{Now: h.now(), Computer: doctor.Look(h.root), Home: h.readHome()}
	s, err := h.readSettings()
	if err != nil {
		r.Home.Settings, s = Explain(ctx, err), &settings{}
	}
	r.Service = h.readService(s)
	says := cmp.Or(opts.Service, &ServiceSays{})
	r.Service.Mute, r.Service.Troubles = says.Mute, says.Troubles
	var looking sync.WaitGroup
	looking.Go(func() { r.Stores = h.readStores(ctx, s) })
	mux, network, phones := h.devices.Examine(ctx, h.listenFor)
	r.Mux, r.Network, r.Phones = mux, network, h.readPhones(phones, says.Decisions)
	looking.Wait()
	h.readBackups(ctx, &r)
	if opts.Device == "" {
		return r, nil
	}
	var devices []russet.Device
	for _, p := range r.Phones {
		devices = append(devices, p.Device)
	}
	d, err := reach.FindDevice(devices, opts.Device)
	r.Only = d.UDID
	return r, err
}

// readHome looks at russet's own folder and what lies there sealed.
func (h *Host) readHome() doctor.Home {
	own := doctor.Home{Dir: h.home.Dir, Moved: h.home.Moved, FirstStore: filepath.Join(h.home.Data, "backups"), Free: -1}
	dir, err := h.home.Open()
	switch {
	case errors.Is(err, fs.ErrNotExist): // it could be made there
		err = tryWriting(standing(h.home.Dir))
		own.New = err == nil
	case err == nil:
		err = tryWriting(dir.Path())
	}
	if err != nil {
		e, _ := errors.AsType[*russet.Error](home.Error(err))
		own.Trouble = &russet.Error{Kind: e.Kind, What: home.FileProblem(err)}
		return own
	}
	own.Free = freeAt(standing(h.home.Dir))
	own.Network, own.Passing = doctor.HomeDisk(h.root, h.home.Dir)
	if h.passwordFile != "" {
		_, own.PasswordFile = PasswordFromFile(h.passwordFile)
	}
	own.Secrets, own.SecretsWhy = h.readSecrets()
	return own
}

// standing is the innermost folder on the way to path that is there.
func standing(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

// tryWriting makes a file and removes it.
func tryWriting(dir string) error {
	f, err := os.CreateTemp(dir, ".russet-doctor-*")
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: "write to", Path: dir, Err: p.Err}
	}
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("x"))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// readService looks whether somebody serves here.
func (h *Host) readService(s *settings) doctor.Service {
	service := doctor.Service{Channels: len(s.Channels)}
	if _, err := os.Stat(filepath.Join(h.home.Dir, serveLock)); err == nil {
		service.Ran = true
		service.Running = h.home.Locked(serveLock)
	}
	return service
}

// serveLock is held by the service of a home.
const serveLock = home.Locks + "/serve.lock"
