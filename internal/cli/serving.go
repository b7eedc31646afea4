package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/service"
)

// serving is the service that owns this home; nil when none runs, and then a
// command works alone.
func (a *app) serving(ctx context.Context) (*service.Client, error) {
	place, err := home.Find(a.getenv)
	if err != nil {
		return nil, err
	}
	c, err := service.Dial(ctx, place.Dir)
	if errors.Is(err, service.ErrNotRunning) {
		return nil, nil
	}
	return c, err
}

// devices lists what is connected: as the service sees it, or by looking.
func (a *app) devices(ctx context.Context, h *host.Host) ([]russet.Device, error) {
	c, err := a.serving(ctx)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return h.Devices(ctx)
	}
	defer c.Close()
	return c.Devices(ctx)
}

// wakes are the commands after which a service should look again at once, and
// whether they change what is in the stores.
var wakes = map[string]bool{
	"pair": false, "unpair": false, "devices": false, "encryption": false, "policy": false, "chores": false, "notify": false,
	"store": true, "delete": true, "prune": true, "import": true, "copy": true, "archive": true, "unarchive": true, "repair": true, "restore": true,
}

// wake makes a service look again after a command that changed something. It
// is no matter when it cannot be told: it looks by itself, too.
func (a *app) wake(ctx context.Context, cmd *cobra.Command) {
	for cmd.HasParent() && cmd.Parent().HasParent() {
		cmd = cmd.Parent()
	}
	stores, wakes := wakes[cmd.Name()]
	if !wakes {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	c, err := a.serving(ctx)
	if err == nil && c != nil {
		defer c.Close()
		err = c.Wake(ctx, stores)
	}
	if err != nil {
		a.logger().Debug("the service could not be told of a change", "error", err)
	}
}
