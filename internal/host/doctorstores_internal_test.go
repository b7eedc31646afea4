package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"testing"

	"russet"
	"russet/internal/doctor"
	"russet/internal/vault/keys"
)

func TestStoreStates(t *testing.T) {
	said := func(kind russet.Kind, err error) *russet.Error { return &russet.Error{Kind: kind, What: "x", Err: err} }
	folder, far := StoreSettings{URL: "folder:/srv"}, StoreSettings{URL: "vault:sftp://nas/srv"}
	for _, c := range []struct {
		st   StoreSettings
		err  *russet.Error
		want doctor.StoreState
	}{
		{folder, said(russet.NotConnected, fs.ErrNotExist), doctor.StoreOffline},
		{folder, said(russet.Usage, &fs.PathError{Op: "open", Path: "/srv/x", Err: syscall.EROFS}), doctor.StoreReadOnly},
		{folder, said(russet.Usage, &fs.PathError{Op: "open", Path: "/srv/x", Err: syscall.EACCES}), doctor.StoreForbidden},
		{far, said(russet.Usage, fs.ErrPermission), doctor.StoreRefused},
		{far, said(russet.NotConnected, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), doctor.StoreOffline},
		{far, said(russet.Interrupted, context.DeadlineExceeded), doctor.StoreHangs},
		{far, said(russet.Password, nil), doctor.StoreLocked},
		{far, said(russet.Password, fmt.Errorf("open: %w", keys.ErrPassword)), doctor.StorePassword},
		{folder, said(russet.Damaged, nil), doctor.StoreDamaged},
		{folder, said(russet.NoSpace, syscall.ENOSPC), doctor.StoreFull},
		{folder, said(russet.Unsupported, nil), doctor.StoreUnsupported},
		{folder, said(russet.Failed, errors.New("odd")), doctor.StoreTrouble},
	} {
		if got := storeState(c.st, c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}
