package depot

import (
	"context"

	"github.com/kopia/kopia/repo/manifest"
)

// PutForeign stores value under one of kopia's own manifest types.
func PutForeign(ctx context.Context, s *Session, kind string, value any) error {
	_, err := s.w.PutManifest(ctx, map[string]string{manifest.TypeLabelKey: kind}, value)
	return err
}
