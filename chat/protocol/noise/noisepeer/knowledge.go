package noisepeer

import (
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// SecretKind is where a shared secret comes from. The numbers are sent and stored.
type SecretKind byte

// The kinds of shared secrets.
const (
	CardSecret    SecretKind = 1 // of a contact card, by the id of the secret in the card
	SessionSecret SecretKind = 2 // of an X3DH session (noise.PSK), by its name (noise.NamePSK)
)

// SecretID names a secret that both sides have.
type SecretID struct {
	Kind SecretKind
	ID   string // 1 to MaxSecretID bytes
}

func (id SecretID) valid() bool {
	return (id.Kind == CardSecret || id.Kind == SessionSecret) && id.ID != "" && len(id.ID) <= MaxSecretID
}

// secret is a secret that a device and we have.
type secret struct {
	id      SecretID
	key     key.Secret
	expires time.Time // zero for never
}

func (s secret) valid(now time.Time) bool { return s.expires.IsZero() || now.Before(s.expires) }

// LearnCertificate takes the certificate of a device, from a card for example: from now on
// its static key is known (XK1). One that was issued before the one that is known changes
// nothing. Errors: ErrCertificate, ErrTooMany.
func (p Peer) LearnCertificate(c noise.Certificate, now time.Time) (Peer, error) {
	if c.Verify(now) != nil || c.Identity != p.Identity {
		return p, ErrCertificate
	}
	next, d, err := p.edit(c.InstallationID, now)
	if err != nil {
		return p, err
	}
	d.learn(c)
	return next, nil
}

// learn takes a certificate that was verified.
func (d *device) learn(c noise.Certificate) {
	if !d.certificate.Identity.IsZero() && !c.Issued.After(d.certificate.Issued) {
		return
	}
	d.certificate = c
	d.refused &^= wayCertificate
}

// LearnSecret takes a secret that a device and we have, for handshakes that either side begins
// (XXpsk0). One of the same kind is replaced. After expires it is of no use; the zero time is
// never. Errors: ErrSecret, ErrTooMany.
func (p Peer) LearnSecret(installation string, id SecretID, psk key.Secret, expires, now time.Time) (Peer, error) {
	if !id.valid() || psk == (key.Secret{}) || !validInstallation(installation) {
		return p, ErrSecret
	}
	next, d, err := p.edit(installation, now)
	if err != nil {
		return p, err
	}
	if !slices.ContainsFunc(d.secrets, func(s secret) bool { return s.id == id && s.key == psk }) {
		d.refused &^= wayOf(id.Kind)
	}
	d.secrets = slices.DeleteFunc(d.secrets, func(s secret) bool { return s.id.Kind == id.Kind })
	d.secrets = append(d.secrets, secret{id, psk, expires})
	return next, nil
}

// secretOf finds the secret of a kind that is valid now.
func (d device) secretOf(kind SecretKind, now time.Time) (secret, bool) {
	for _, s := range d.secrets {
		if s.id.Kind == kind && s.valid(now) {
			return s, true
		}
	}
	return secret{}, false
}
