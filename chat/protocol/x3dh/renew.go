package x3dh

import (
	"io"
	"slices"
	"time"
)

// Renew replaces the current pre-key at once, whatever its age, by one whose version
// is above the current one and at least version. It is for when others may know a
// newer pre-key of ours than we do, as after an older copy of the store was put back.
// Spec: 54/WAKU2-X3DH-SESSIONS, "Re-keying".
func (p PreKeys) Renew(now time.Time, version uint32, rand io.Reader) (PreKeys, error) {
	now = now.UTC().Truncate(time.Millisecond)
	next := PreKeys{keys: slices.Clone(p.keys), latest: p.latest}
	if current, ok := next.Current(); ok {
		if current.Version+1 > version {
			version = current.Version + 1
		}
	}
	if err := next.add(now, version, rand); err != nil {
		return p, err
	}
	next.erase(now)
	return next, nil
}
