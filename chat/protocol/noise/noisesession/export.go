package noisesession

import (
	"crypto/hkdf"
	"crypto/sha256"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// Export derives two secrets that only the two sides know, one for each direction: our out is
// the peer's in. Each label gives other secrets. They are the same on each device that the
// session is handed to. Error: ErrTerminated.
func (s Session) Export(label string) (out, in key.Secret, err error) {
	if s.state == Terminated {
		return out, in, ErrTerminated
	}
	state := s.transport.State()
	if out, err = export(state.Out.Cipher, label); err != nil {
		return out, in, err
	}
	in, err = export(state.In.Cipher, label)
	return out, in, err
}

func export(from key.Secret, label string) (key.Secret, error) {
	secret, err := hkdf.Key(sha256.New, from[:], nil, label, len(key.Secret{}))
	if err != nil {
		return key.Secret{}, err
	}
	return key.Secret(secret), nil
}

// Ended returns the time when the session went stale, zero while it is active.
func (s Session) Ended() time.Time { return s.ended }
