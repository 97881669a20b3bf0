package x3dh

import (
	"io"
	"slices"
	"time"
)

// Renew replaces the current pre-key at once, whatever its age. The version of the new
// one is above the current version and at least version. It is needed when others may
// know a newer pre-key of ours than we do, for example after the store was replaced by
// an older copy. Error: ErrPreKeys when no version is left above the current one.
// Spec: 54/WAKU2-X3DH-SESSIONS, "Re-keying".
func (p PreKeys) Renew(now time.Time, version uint32, rand io.Reader) (PreKeys, error) {
	now = now.UTC().Truncate(time.Millisecond)
	next := PreKeys{keys: slices.Clone(p.keys), latest: p.latest}
	if current, ok := next.Current(); ok && version <= current.Version {
		version = current.Version + 1 // 0 at the end: add refuses it
	}
	if err := next.add(now, version, rand); err != nil {
		return p, err
	}
	next.erase(now)
	return next, nil
}
