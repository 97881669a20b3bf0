package x3dh

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
)

const (
	// RotateAfter is the age at which the current pre-key is replaced. 53/WAKU2-X3DH says
	// 24 hours, as does 2/ACCOUNT in one place (and 12 in another).
	RotateAfter = 24 * time.Hour

	// KeepSpent is the time a replaced pre-key is kept. Until then it still opens a
	// first message that was made from an old bundle or waited in a store node; those
	// keep messages for 30 days.
	KeepSpent = 30 * 24 * time.Hour

	// MaxPreKeys limits the pre-keys that are kept, even if the clock jumps: twice the
	// number that KeepSpent needs.
	MaxPreKeys = 64
)

// PreKey is one of our own signed pre-keys. It redacts itself. Times are whole
// milliseconds, UTC.
type PreKey struct {
	Private  key.Private
	Version  uint32    // from 1
	Created  time.Time // by the clock of the time, see Rotate
	Replaced time.Time // when the next one came; zero for the current one
}

// Signed is the pre-key's entry in our bundle.
func (k PreKey) Signed(installationID string) SignedPreKey {
	return SignedPreKey{
		InstallationID: installationID, Key: k.Private.Public(), Version: k.Version, ProtocolVersion: ProtocolVersion,
	}
}

// PreKeys is all our signed pre-keys of this installation, spent ones too. It is a
// value: Rotate returns the next. It redacts itself. The zero value holds none.
//
// Spec: 53/WAKU2-X3DH, "Pre-keys"; 2/ACCOUNT, "X3DH Prekey bundles".
type PreKeys struct {
	keys   []PreKey  // newest last, versions rising; never written through
	latest time.Time // the latest time ever recorded here
}

// Len is the number of pre-keys, spent ones included.
func (p PreKeys) Len() int { return len(p.keys) }

// Current is the pre-key to publish; none before the first Rotate.
func (p PreKeys) Current() (PreKey, bool) {
	if len(p.keys) == 0 {
		return PreKey{}, false
	}
	return p.keys[len(p.keys)-1], true
}

// Oldest returns the oldest pre-key that is still kept; none before the first Rotate.
func (p PreKeys) Oldest() (PreKey, bool) {
	if len(p.keys) == 0 {
		return PreKey{}, false
	}
	return p.keys[0], true
}

// Find is the pre-key with a given public key, 33 bytes compressed: the id in a
// message's X3DH header.
func (p PreKeys) Find(compressed []byte) (PreKey, bool) {
	for _, k := range slices.Backward(p.keys) {
		if bytes.Equal(k.Private.Public().Compressed(), compressed) {
			return k, true
		}
	}
	return PreKey{}, false
}

// Rotate does what is due at now: the first pre-key, a new one RotateAfter after the
// current one, and erasing those spent for KeepSpent. It draws at most one key
// (key.Generate). changed says that the result is to be stored; the bundle is a new one
// if Current's version is.
//
// The clock is not trusted to run forwards. If the current pre-key seems to be of the
// future, it is dated now: it is replaced RotateAfter from now, and nothing else
// happens. A replaced pre-key is dated by the latest time known, never by an earlier
// one, so a clock that goes back and returns takes nothing off the 30 days. A clock that
// was ahead keeps spent keys longer, until MaxPreKeys newer ones are there. One jump
// forwards rotates once.
func (p PreKeys) Rotate(now time.Time, rand io.Reader) (next PreKeys, changed bool, err error) {
	now = now.UTC().Truncate(time.Millisecond)
	next = PreKeys{keys: slices.Clone(p.keys), latest: p.latest}
	current, ok := next.Current()
	if ok && current.Created.After(now) {
		next.keys[len(next.keys)-1].Created = now
		current.Created, changed = now, true
	}
	if !ok || now.Sub(current.Created) >= RotateAfter {
		if err := next.add(now, current.Version+1, rand); err != nil {
			return p, false, err
		}
		changed = true
	}
	if next.erase(now) {
		changed = true
	}
	if !changed {
		return p, false, nil
	}
	return next, true, nil
}

// add makes a new current pre-key.
func (p *PreKeys) add(now time.Time, version uint32, rand io.Reader) error {
	if version == 0 { // 2^32 rotations, or a damaged store
		return ErrPreKeys
	}
	k, err := key.Generate(rand)
	if err != nil {
		return fmt.Errorf("x3dh: drawing a pre-key: %w", err)
	}
	if now.After(p.latest) {
		p.latest = now
	}
	if n := len(p.keys); n > 0 {
		p.keys[n-1].Replaced = p.latest
	}
	p.keys = append(p.keys, PreKey{Private: k, Version: version, Created: now})
	return nil
}

// erase drops what was replaced KeepSpent ago, and the oldest beyond MaxPreKeys.
func (p *PreKeys) erase(now time.Time) bool {
	before := len(p.keys)
	p.keys = slices.DeleteFunc(p.keys, func(k PreKey) bool {
		return !k.Replaced.IsZero() && now.Sub(k.Replaced) >= KeepSpent
	})
	if beyond := len(p.keys) - MaxPreKeys; beyond > 0 {
		p.keys = slices.Delete(p.keys, 0, beyond)
	}
	return len(p.keys) != before
}
