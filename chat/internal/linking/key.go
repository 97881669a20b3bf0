package linking

import (
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/wire"
)

// staticKey is the X25519 static key of this installation and the certificate that ties
// it to the identity. It is random and made once, not derived from the identity: the
// user's other devices have the identity too.
type staticKey struct {
	private     noise.PrivateKey
	certificate []byte
}

const (
	// certificateLife is the life of a certificate: a lost device is out of use within half
	// a year.
	certificateLife = 180 * 24 * time.Hour
	// certificateSpare is the rest of its life at which a certificate is replaced, so that
	// none in use runs out.
	certificateSpare = 30 * 24 * time.Hour
)

// StaticKey returns the static key of this installation and the certificate that cards and
// handshakes carry. It makes and stores what is missing.
func (l *Linking) StaticKey(_ *ledger.Turn, self Self, now time.Time) (noise.PrivateKey, noise.Certificate, error) {
	return l.Key(self, now)
}

// Key is StaticKey for the steps of the pipelines, whose caller holds the Turn.
func (l *Linking) Key(self Self, now time.Time) (noise.PrivateKey, noise.Certificate, error) {
	k, err := l.staticKey(self, now)
	if err != nil {
		return noise.PrivateKey{}, noise.Certificate{}, err
	}
	cert, err := noise.ParseCertificate(k.certificate)
	return k.private, cert, err
}

// staticKey gives the key with a certificate that is valid for at least certificateSpare.
// It makes and stores what is missing.
func (l *Linking) staticKey(self Self, now time.Time) (staticKey, error) {
	k := l.key
	if k.private.IsZero() {
		var err error
		if k, err = l.readKey(); err != nil {
			return k, err
		}
	}
	stored := k
	if k.private.IsZero() {
		var err error
		if k.private, err = noise.GenerateKey(l.host.Rand); err != nil {
			return k, err
		}
	}
	if !k.certified(self, now) {
		issue := noise.Issue
		if self.Provisional {
			issue = noise.IssueProvisional
		}
		issued, err := issue(self.Identity, self.InstallationID, k.private.Public(), now, certificateLife)
		if err != nil {
			return k, err
		}
		k.certificate = issued.Bytes()
	}
	if stored.private.IsZero() || string(stored.certificate) != string(k.certificate) {
		rec := &wire.NoiseKeyRecord{PrivateKey: k.private.Bytes(), Certificate: k.certificate}
		if err := l.host.Ledger.Update(func(tx *ledger.Tx) error { return ledger.Put(tx, tableMeta, metaKey, rec) }); err != nil {
			return k, err
		}
	}
	l.key = k
	return k, nil
}

// readKey reads the stored key; the zero key when there is none.
func (l *Linking) readKey() (staticKey, error) {
	var rec wire.NoiseKeyRecord
	found, err := l.host.Ledger.Get(tableMeta, metaKey, &rec)
	if err != nil || !found {
		return staticKey{}, err
	}
	private, err := noise.ParsePrivateKey(rec.GetPrivateKey())
	if err != nil {
		return staticKey{}, port.Errorf(port.CodeStoreCorrupt, "", "the Noise key does not read back")
	}
	return staticKey{private, rec.GetCertificate()}, nil
}

// certified reports whether the certificate is for this key, identity and installation,
// and valid for at least certificateSpare.
func (k staticKey) certified(self Self, now time.Time) bool {
	cert, err := noise.ParseCertificate(k.certificate)
	return err == nil && cert.Identity == self.Public && cert.InstallationID == self.InstallationID && cert.Provisional == self.Provisional &&
		cert.Static == k.private.Public() && cert.VerifyDevice(now) == nil && now.Add(certificateSpare).Before(cert.Expires)
}
