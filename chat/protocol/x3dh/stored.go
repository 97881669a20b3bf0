package x3dh

import (
	"encoding/binary"
	"errors"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// ErrPreKeys: stored pre-keys are damaged or of another version.
var ErrPreKeys = errors.New("x3dh: not stored pre-keys")

const (
	preKeysVersion = 1
	preKeysHeader  = 1 + 8                     // version, latest
	preKeySize     = key.PrivateSize + 4 + 2*8 // private key, version, created, replaced
)

// Marshal is the pre-keys for storing, secret: encrypt them before they touch a disk.
// Numbers are big-endian, times ms since 1970.
func (p PreKeys) Marshal() []byte {
	b := make([]byte, 0, preKeysHeader+len(p.keys)*preKeySize)
	b = append(b, preKeysVersion)
	b = appendTime(b, p.latest)
	for _, k := range p.keys {
		b = append(b, k.Private.Bytes()...)
		b = binary.BigEndian.AppendUint32(b, k.Version)
		b = appendTime(b, k.Created)
		b = appendTime(b, k.Replaced)
	}
	return b
}

// UnmarshalPreKeys reads what Marshal wrote. Error: ErrPreKeys.
func UnmarshalPreKeys(b []byte) (PreKeys, error) {
	if len(b) < preKeysHeader || b[0] != preKeysVersion {
		return PreKeys{}, ErrPreKeys
	}
	p := PreKeys{latest: readTime(b[1:])}
	b = b[preKeysHeader:]
	if len(b)%preKeySize != 0 || len(b)/preKeySize > MaxPreKeys {
		return PreKeys{}, ErrPreKeys
	}
	for ; len(b) > 0; b = b[preKeySize:] {
		private, err := key.ParsePrivate(b[:key.PrivateSize])
		if err != nil {
			return PreKeys{}, ErrPreKeys
		}
		k := PreKey{
			Private: private, Version: binary.BigEndian.Uint32(b[key.PrivateSize:]),
			Created: readTime(b[key.PrivateSize+4:]), Replaced: readTime(b[key.PrivateSize+12:]),
		}
		isLast := len(b) == preKeySize
		before, _ := p.Current()
		if k.Version <= before.Version || k.Replaced.IsZero() != isLast {
			return PreKeys{}, ErrPreKeys
		}
		p.keys = append(p.keys, k)
	}
	return p, nil
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
}

func readTime(b []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC()
}
