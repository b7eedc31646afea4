package vphone

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"russet/vphone/internal/lockdown"
	"russet/vphone/internal/plist"
)

// records keeps what usbmuxd keeps in /var/lib/lockdown: a pair record per
// phone, and the BUID that names this computer.
type records struct {
	buid string
	dir  string // "" for memory

	mu     sync.Mutex
	memory map[string][]byte
}

const buidFile = "SystemConfiguration.plist"

func openRecords(dir string) (*records, error) {
	r := &records{dir: dir, memory: map[string][]byte{}}
	if dir == "" {
		r.buid = lockdown.NewUUID()
		return r, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, buidFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		r.buid = lockdown.NewUUID()
		data, err := plist.XML(map[string]any{"SystemBUID": r.buid})
		if err != nil {
			return nil, err
		}
		return r, replaceFile(name, data)
	}
	if err != nil {
		return nil, err
	}
	dict, err := plist.UnmarshalDict(data)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	buid, ok := dict["SystemBUID"].(string)
	if !ok {
		return nil, fmt.Errorf("read %q: no SystemBUID", name)
	}
	r.buid = buid
	return r, nil
}

// path is where a record lies. The identifier comes from a client and becomes
// a file name.
func (r *records) path(id string) (string, error) {
	const longest = 64
	allowed := func(c rune) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'
	}
	if id == "" || len(id) > longest || strings.ContainsFunc(id, func(c rune) bool { return !allowed(c) }) {
		return "", fmt.Errorf("%q names no device", id)
	}
	return filepath.Join(r.dir, id+".plist"), nil
}

func (r *records) read(id string) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" {
		data, ok := r.memory[id]
		return data, ok
	}
	path, err := r.path(id)
	if err != nil {
		return nil, false
	}
	data, err := os.ReadFile(path)
	return data, err == nil
}

func (r *records) save(id string, data []byte) error {
	path, err := r.path(id)
	if err != nil {
		return err
	}
	if _, err := plist.UnmarshalDict(data); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir != "" {
		return replaceFile(path, data)
	}
	r.memory[id] = data
	return nil
}

// remove succeeds when there is nothing to remove.
func (r *records) remove(id string) error {
	path, err := r.path(id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.memory, id)
	if r.dir == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
