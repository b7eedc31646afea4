package agent

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"russet/vphone/agent/internal/keybag"
	"russet/vphone/agent/internal/link"
	"russet/vphone/agent/internal/manifest"
)

// properties is this run's Manifest.plist, and the key of its Manifest.db: a
// new one each time. [D]
func (b *backup) properties() (*manifest.Properties, *keybag.Key, error) {
	id := b.id
	p := &manifest.Properties{
		Date: b.status.Date, Encrypted: b.encrypted, PasscodeSet: id.PasscodeSet,
		KeyBag: b.bagBytes, Applications: b.apps,
		Lockdown: map[string]any{
			"BuildVersion": id.BuildVersion, "DeviceClass": id.DeviceClass, "DeviceName": id.DeviceName,
			"ProductType": id.ProductType, "ProductVersion": id.ProductVersion, "SerialNumber": id.SerialNumber,
			"UniqueDeviceID":                      id.UDID,
			"com.apple.Accessibility":             map[string]any{},
			"com.apple.MobileDeviceCrashCopy":     map[string]any{},
			"com.apple.TerminalFlashr":            map[string]any{},
			"com.apple.mobile.data_sync":          map[string]any{},
			"com.apple.mobile.iTunes.accessories": map[string]any{},
			"com.apple.mobile.wireless_lockdown":  map[string]any{},
		},
	}
	if !b.encrypted {
		return p, nil, nil
	}
	key := keybag.NewKey()
	var err error
	p.ManifestKey, err = b.bag.WrapKey(keybag.ManifestClass, key)
	return p, &key, err
}

// writeProperties adds what newer agents keep of the password. [D]
func (b *backup) writeProperties() error {
	if !b.encrypted || !b.faults.Config().Properties {
		return nil
	}
	salt := make([]byte, 32)
	rand.Read(salt)
	hash := sha256.Sum256(append([]byte(b.password), salt...))
	return errors.Join(b.db.SetProperty("salt", salt), b.db.SetProperty("passwordHash", hash[:]))
}

// uploadManifestDB uploads the finished Manifest.db in a request of its own.
func (b *backup) uploadManifestDB(host string, key *keybag.Key) error {
	f, err := os.Open(b.cached(manifestFile))
	if err != nil {
		return fmt.Errorf("opening Manifest.db: %w", err)
	}
	defer f.Close()
	if err := b.link.StartUpload(progressUpload, 0); err != nil {
		return err
	}
	device := "/var/root/Library/Caches/Backup/" + b.state.UUID + "/" + manifestFile // [T]
	if err := b.link.Raw(link.AppendNames(nil, device, host)); err != nil {
		return err
	}
	c := &fileCipher{}
	if key != nil {
		c.mode = keybag.NewEncrypter(*key)
	}
	stored, err := b.sendFile(f, c)
	if err != nil {
		return err
	}
	b.faults.sentFile(host, stored)
	if err := b.link.Raw(link.AppendEnd(nil)); err != nil {
		return err
	}
	return b.endUpload()
}

// sendFile frames a file of the agent's own, remembering the hash of what was
// sent.
func (b *backup) sendFile(r io.Reader, c *fileCipher) (stored int64, err error) {
	config := b.faults.Config()
	frame := config.frame()
	buf := make([]byte, link.FrameHead+frame, link.FrameHead+frame+keybag.BlockSize)
	sum := sha256.New()
	for ended := false; !ended; {
		n, err := io.ReadFull(r, buf[link.FrameHead:link.FrameHead+frame])
		ended = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return stored, fmt.Errorf("reading Manifest.db: %w", err)
		}
		block := buf[link.FrameHead : link.FrameHead+n]
		if c.mode != nil {
			if ended {
				block = keybag.Pad(block)
			}
			c.mode.CryptBlocks(block, block)
		}
		if len(block) == 0 {
			break
		}
		sum.Write(block)
		stored += int64(len(block))
		link.PutFrameHead(buf, len(block))
		if err := b.link.Raw(buf[:link.FrameHead+len(block)]); err != nil {
			return stored, err
		}
	}
	b.sum = [sha256.Size]byte(sum.Sum(nil))
	return stored, nil
}
