package chat

import (
	"time"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/wire"
)

// noiseKey is the X25519 static key of this installation and the certificate that ties
// it to the identity. It is random and made once: never derived from the identity, which
// the user's other devices have too.
type noiseKey struct {
	private     noise.PrivateKey
	certificate []byte
}

const (
	// certificateLife is how long a certificate is valid: a device that was lost goes out
	// of use by itself within half a year.
	certificateLife = 180 * 24 * time.Hour
	// certificateSpare is when a new one is issued: well before the end, so that one in
	// use does not run out.
	certificateSpare = 30 * 24 * time.Hour
)

// noiseKey gives the key with a certificate that is good for a while, and makes what is
// missing. busy is held.
func (c *Client) noiseKey(a *account, now time.Time) (noiseKey, error) {
	k := c.loop.noise.key
	if k.private.IsZero() {
		var err error
		if k, err = c.readNoiseKey(); err != nil {
			return k, err
		}
	}
	stored := k
	if k.private.IsZero() {
		var err error
		if k.private, err = noise.GenerateKey(c.rand); err != nil {
			return k, err
		}
	}
	if !k.certified(a, now) {
		issued, err := noise.Issue(a.self.Identity, a.self.InstallationID, k.private.Public(), now, certificateLife)
		if err != nil {
			return k, err
		}
		k.certificate = issued.Bytes()
	}
	if stored.private.IsZero() || string(stored.certificate) != string(k.certificate) {
		rec := &wire.NoiseKeyRecord{PrivateKey: k.private.Bytes(), Certificate: k.certificate}
		if err := c.update(func(t *txn) error { return put(t, tableMeta, metaNoiseKey, rec) }); err != nil {
			return k, err
		}
	}
	c.loop.noise.key = k
	return k, nil
}

// readNoiseKey reads the stored key; the zero key when there is none.
func (c *Client) readNoiseKey() (noiseKey, error) {
	var rec wire.NoiseKeyRecord
	found, err := c.record(tableMeta, metaNoiseKey, &rec)
	if err != nil || !found {
		return noiseKey{}, err
	}
	private, err := noise.ParsePrivateKey(rec.GetPrivateKey())
	if err != nil {
		return noiseKey{}, Errorf(CodeStoreCorrupt, "", "the Noise key does not read back")
	}
	return noiseKey{private, rec.GetCertificate()}, nil
}

// certified reports whether the certificate is for this key, identity and installation,
// and good for a while.
func (k noiseKey) certified(a *account, now time.Time) bool {
	cert, err := noise.ParseCertificate(k.certificate)
	return err == nil && cert.Identity == a.public && cert.InstallationID == a.self.InstallationID &&
		cert.Static == k.private.Public() && cert.Verify(now) == nil && now.Add(certificateSpare).Before(cert.Expires)
}
