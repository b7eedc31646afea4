package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/notify"
	"russet/internal/secrets"
)

// channelSecret is the name of what lets russet use a channel.
func channelSecret(name string) string { return "channel/" + name }

// sealedChannel is how the credentials of a channel are sealed.
type sealedChannel struct {
	Address string `json:"address,omitempty"`
	Token   string `json:"token,omitempty"`
}

// Channels lists the ways to reach people, in the order in which they were
// added.
func (h *Host) Channels() ([]notify.Channel, error) {
	s, err := h.readSettings()
	if err != nil {
		return nil, err
	}
	return s.Channels, nil
}

// AddChannel adds a way to reach people. Its secrets are sealed; nothing is
// sent yet.
func (h *Host) AddChannel(ctx context.Context, ch notify.Channel, c notify.Credentials) error {
	if !storeName.MatchString(ch.Name) {
		return &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("%q cannot be the name of a channel", ch.Name),
			Hint: "use letters, digits, dots, dashes and underscores, beginning with a letter or digit",
		}
	}
	if err := notify.Check(ch, c); err != nil {
		return err
	}
	data, err := json.Marshal(sealedChannel{Address: string(c.Address), Token: string(c.Token)})
	if err != nil {
		return errors.New("seal the secret of the channel") // the cause could quote it
	}
	return h.changeSettings(ctx, func(s *settings) error {
		if s.channel(ch.Name) >= 0 {
			return &russet.Error{
				Kind: russet.Usage, What: fmt.Sprintf("there is a channel %q already", ch.Name),
				Hint: fmt.Sprintf("choose another name, or first: russet notify remove %s", ch.Name),
			}
		}
		s.Channels = append(s.Channels, ch)
		if c == (notify.Credentials{}) {
			return nil
		}
		// Sealed before the settings are written: a secret without a channel is
		// harmless, and is overwritten.
		return h.home.PutSecret(channelSecret(ch.Name), data)
	})
}

// RemoveChannel forgets a way to reach people, with its secrets.
func (h *Host) RemoveChannel(ctx context.Context, name string) error {
	err := h.changeSettings(ctx, func(s *settings) error {
		i := s.channel(name)
		if i < 0 {
			return s.noChannel(name)
		}
		s.Channels = slices.Delete(s.Channels, i, i+1)
		return nil
	})
	if err != nil {
		return err
	}
	return h.home.DropSecrets(channelSecret(name))
}

func (s *settings) channel(name string) int {
	return slices.IndexFunc(s.Channels, func(ch notify.Channel) bool { return ch.Name == name })
}

func (s *settings) noChannel(name string) error {
	e := &russet.Error{Kind: russet.Usage, What: fmt.Sprintf("there is no channel %q", name), Hint: `"russet notify list" shows them`}
	if len(s.Channels) == 0 {
		e.What, e.Hint = "there is no channel yet", "add one, for example: russet notify add me desktop"
	}
	return e
}

// credentials are those of a channel.
func (h *Host) credentials(ch notify.Channel) (notify.Credentials, error) {
	data, err := h.home.Secret(channelSecret(ch.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return notify.Credentials{}, nil
	}
	if err != nil {
		return notify.Credentials{}, err
	}
	var sealed sealedChannel
	if err := json.Unmarshal(data, &sealed); err != nil {
		return notify.Credentials{}, fmt.Errorf("read the secret of the channel %q: it is not one", ch.Name) // the cause could quote it
	}
	return notify.Credentials{Address: secrets.Secret(sealed.Address), Token: secrets.Secret(sealed.Token)}, nil
}

// Told is what became of a message on one channel.
type Told struct {
	Channel notify.Channel
	Err     error // nil if it got through
}

// Notify tells a message to all channels that want it, side by side. When some
// were not reached, the error is a *notify.Undelivered that names them, so that
// a second try leaves the others alone.
func (h *Host) Notify(ctx context.Context, m notify.Message) error {
	channels, err := h.Channels()
	if err != nil {
		return err
	}
	channels = slices.DeleteFunc(channels, func(ch notify.Channel) bool { return !ch.Wants(m) })
	u := &notify.Undelivered{}
	for _, told := range h.tell(ctx, channels, func(notify.Channel) notify.Message { return m }) {
		if told.Err == nil {
			continue
		}
		u.Channels = append(u.Channels, told.Channel.Name)
		u.Err = errors.Join(u.Err, told.Err)
		if notify.MayPass(told.Err) {
			u.Again = append(u.Again, told.Channel.Name)
		}
	}
	if u.Err == nil {
		return nil
	}
	return u
}

// TestChannels tells a test to a channel, or to all for "".
func (h *Host) TestChannels(ctx context.Context, name string) ([]Told, error) {
	s, err := h.readSettings()
	if err != nil {
		return nil, err
	}
	channels := s.Channels
	if name != "" || len(channels) == 0 {
		i := s.channel(name)
		if i < 0 {
			return nil, s.noChannel(name)
		}
		channels = channels[i : i+1]
	}
	return h.tell(ctx, channels, func(ch notify.Channel) notify.Message { return notify.ForTest(time.Now(), ch.Name) }), nil
}

// tell tells each channel its message, all at once; each takes half a minute at
// most.
func (h *Host) tell(ctx context.Context, channels []notify.Channel, message func(notify.Channel) notify.Message) []Told {
	all := make([]Told, len(channels))
	var wg sync.WaitGroup
	for i, ch := range channels {
		wg.Go(func() {
			c, err := h.credentials(ch)
			if err == nil {
				err = notify.Send(ctx, ch, c, message(ch))
			}
			all[i] = Told{Channel: ch, Err: err}
			if err != nil {
				h.log.Warn("a channel was not reached", "channel", ch.Name, "error", err)
			}
		})
	}
	wg.Wait()
	return all
}

// SecretLines reads the first lines of a file, n at most. No line or part of
// one is ever in an error.
func SecretLines(name string, n int) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &russet.Error{Kind: russet.Usage, Doing: "read the secret", What: home.FileProblem(err), Err: err}
	}
	defer f.Close()
	var lines []string
	in := bufio.NewScanner(io.LimitReader(f, maxPassword))
	for len(lines) < n && in.Scan() {
		lines = append(lines, strings.TrimSpace(in.Text()))
	}
	if in.Err() != nil {
		return nil, fmt.Errorf("read the secret from %q: it is too long, or cannot be read", name)
	}
	return lines, nil
}
