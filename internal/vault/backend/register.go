package backend

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/kopia/kopia/repo/blob"
)

// storageType is the name under which kopia's configuration knows us.
const storageType = "russet"

// connection is what kopia's configuration file holds of a storage: no address
// that could be dialled and no secret.
type connection struct {
	Vault string `json:"vault,omitempty"` // for people: where it is
	Token string `json:"token,omitempty"` // which registered storage it is
}

// lent are the storages that kopia may ask for, by token.
//
// It is the one variable of this package, and there is no way without: kopia
// opens a repository from a configuration file only, makes the storage from
// what the file says, and looks the maker up in a table of its own that lives
// as long as the process and has no lock. So exactly one maker is put there,
// once; it finds a storage by a random token that only the file of the caller
// holds, and that means nothing once the caller has released it.
var lent struct {
	once sync.Once
	sync.Mutex
	storages map[string]blob.Storage
}

// Register makes st the storage that kopia opens for info, until release is
// called. info holds no secret. Closing what kopia opened does not close st:
// that stays with the caller. release may be called more than once.
func Register(st blob.Storage) (info blob.ConnectionInfo, release func()) {
	lent.once.Do(func() { blob.AddSupportedStorage(storageType, connection{}, lend) })
	c := &connection{Vault: st.DisplayName(), Token: rand.Text()}
	lent.Lock()
	defer lent.Unlock()
	if lent.storages == nil {
		lent.storages = make(map[string]blob.Storage)
	}
	lent.storages[c.Token] = st
	return blob.ConnectionInfo{Type: storageType, Config: c}, func() {
		lent.Lock()
		defer lent.Unlock()
		delete(lent.storages, c.Token)
	}
}

// lend is the maker in kopia's table.
func lend(_ context.Context, c *connection, _ bool) (blob.Storage, error) {
	lent.Lock()
	defer lent.Unlock()
	st, ok := lent.storages[c.Token]
	if !ok {
		return nil, fmt.Errorf("the storage %q is not registered in this process", c.Vault)
	}
	return borrowed{st}, nil
}

// borrowed is a storage that is not closed by those who borrow it.
type borrowed struct{ blob.Storage }

// Close leaves the storage open.
func (borrowed) Close(context.Context) error { return nil }
