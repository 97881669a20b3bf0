package noise

import (
	"encoding/binary"
	"time"

	"libstatus1to1/chat/protocol/key"
)

const (
	// certificateDomain keeps these signatures apart from all others of the identity.
	certificateDomain  = "status1to1-noise-static/1"
	certificateVersion = 1

	// provisionalDomain and provisionalVersion are those of a device that has no identity
	// yet: its certificate is valid for nothing that is said in the name of an identity.
	provisionalDomain  = "status1to1-noise-provisional/1"
	provisionalVersion = 2

	// MaxInstallationID is the length of the longest installation id, in bytes.
	MaxInstallationID = 64

	// MaxCertificateLife bounds how long a certificate may be valid: a lost device is out
	// of use within a year.
	MaxCertificateLife = 366 * 24 * time.Hour

	// MaxClockSkew bounds the time by which the issuer's clock may be ahead of ours.
	MaxClockSkew = time.Hour

	// MaxCertificate is the length of the longest encoded certificate.
	MaxCertificate = 1 + key.CompressedSize + 1 + MaxInstallationID + KeySize + 2*8 + key.SignatureSize
)

// Certificate says that an installation of a chat identity uses this X25519 static key.
// The key is random and not derived from the identity, so nothing else ties the two.
// Times are in whole seconds. A certificate is public, but reveals an identity: it travels
// only in contact cards and in encrypted handshake payloads.
type Certificate struct {
	Identity       key.Public
	InstallationID string // 1 to 64 printable ASCII characters without space
	Static         PublicKey
	Issued         time.Time
	Expires        time.Time
	// Provisional: the device has no identity yet. Identity is a key that it made to be
	// paired with, and nobody's chat key.
	Provisional bool
	signature   [key.SignatureSize]byte
}

// Issue signs a certificate with the identity. Error: ErrCertificate for a bad
// installation id, a missing key, or a life that is not 1 s to MaxCertificateLife.
func Issue(identity key.Private, installationID string, static PublicKey, issued time.Time, life time.Duration) (Certificate, error) {
	return issue(Certificate{
		Identity: identity.Public(), InstallationID: installationID, Static: static,
		Issued: issued.Truncate(time.Second).UTC(), Expires: issued.Add(life).Truncate(time.Second).UTC(),
	}, identity)
}

// IssueProvisional is Issue for a device that has no identity yet, with a key that it made
// to be paired with. Error: ErrCertificate.
func IssueProvisional(made key.Private, installationID string, static PublicKey, issued time.Time, life time.Duration) (Certificate, error) {
	return issue(Certificate{
		Identity: made.Public(), InstallationID: installationID, Static: static, Provisional: true,
		Issued: issued.Truncate(time.Second).UTC(), Expires: issued.Add(life).Truncate(time.Second).UTC(),
	}, made)
}

func issue(c Certificate, by key.Private) (Certificate, error) {
	if !c.plausible() {
		return Certificate{}, ErrCertificate
	}
	signature, err := by.Sign(c.digest())
	if err != nil {
		return Certificate{}, ErrCertificate
	}
	copy(c.signature[:], signature)
	return c, nil
}

// digest is keccak256 of the domain and every field but the signature, each behind its
// length in 4 big-endian bytes.
func (c Certificate) digest() []byte {
	domain := certificateDomain
	if c.Provisional {
		domain = provisionalDomain
	}
	var b []byte
	for _, field := range [][]byte{
		[]byte(domain),
		c.Identity.Compressed(),
		[]byte(c.InstallationID),
		c.Static[:],
		binary.BigEndian.AppendUint64(nil, uint64(c.Issued.Unix())),
		binary.BigEndian.AppendUint64(nil, uint64(c.Expires.Unix())),
	} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
		b = append(b, field...)
	}
	return key.Keccak256(b)
}

// plausible checks what needs no clock and no signature.
func (c Certificate) plausible() bool {
	if c.Identity.IsZero() || c.Static.IsZero() || c.InstallationID == "" || len(c.InstallationID) > MaxInstallationID {
		return false
	}
	for i := range len(c.InstallationID) {
		if c.InstallationID[i] <= ' ' || c.InstallationID[i] > '~' {
			return false
		}
	}
	life := c.Expires.Sub(c.Issued)
	return c.Issued.Unix() >= 0 && life > 0 && life <= MaxCertificateLife
}

// Verify checks the signature and that now is within the certificate's life. Whether the
// identity is the one expected and the key the one in use is the caller's to compare.
// Errors: ErrCertificate, also for a provisional one; ErrCertificateTime.
func (c Certificate) Verify(now time.Time) error {
	if c.Provisional {
		return ErrCertificate
	}
	return c.VerifyDevice(now)
}

// VerifyDevice is Verify for a pairing, in which the other device may have no identity yet.
// Errors: ErrCertificate, ErrCertificateTime.
func (c Certificate) VerifyDevice(now time.Time) error {
	if !c.plausible() {
		return ErrCertificate
	}
	signer, err := key.Recover(c.digest(), c.signature[:])
	if err != nil || signer != c.Identity {
		return ErrCertificate
	}
	if now.Add(MaxClockSkew).Before(c.Issued) || !now.Before(c.Expires) {
		return ErrCertificateTime
	}
	return nil
}

// Bytes is the encoded certificate:
//
//	version | identity[33] | length | installation id | static[32] | issued u64 |
//	expires u64 | signature[65]
//
// The version is 1, or 2 if it is provisional. Times are big-endian seconds since 1970.
func (c Certificate) Bytes() []byte {
	version := byte(certificateVersion)
	if c.Provisional {
		version = provisionalVersion
	}
	b := append([]byte{version}, c.Identity.Compressed()...)
	b = append(b, byte(len(c.InstallationID)))
	b = append(b, c.InstallationID...)
	b = append(b, c.Static[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Issued.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Expires.Unix()))
	return append(b, c.signature[:]...)
}

// Signature returns the signature of a certificate, from which WithSignature restores it.
func (c Certificate) Signature() []byte { return append([]byte(nil), c.signature[:]...) }

// WithSignature is a certificate with the fields of c and a signature over them that came
// separately, as in a contact card, which says most of the fields already. It does not
// verify. Error: ErrCertificate.
func (c Certificate) WithSignature(signature []byte) (Certificate, error) {
	if len(signature) != key.SignatureSize || !c.plausible() {
		return Certificate{}, ErrCertificate
	}
	copy(c.signature[:], signature)
	return c, nil
}

// maxTime is the last second a certificate may name: year 9999.
const maxTime = 253402300799

// ParseCertificate reads what Bytes wrote. It does not verify. Error: ErrCertificate.
func ParseCertificate(b []byte) (Certificate, error) {
	r := NewReader(b)
	version := r.Byte()
	if len(b) > MaxCertificate || version != certificateVersion && version != provisionalVersion {
		return Certificate{}, ErrCertificate
	}
	identity, err := key.ParsePublic(r.Take(key.CompressedSize))
	if err != nil {
		return Certificate{}, ErrCertificate
	}
	c := Certificate{Identity: identity, InstallationID: string(r.Take(int(r.Byte()))), Provisional: version == provisionalVersion}
	copy(c.Static[:], r.Take(KeySize))
	issued, expires := r.Uint64(), r.Uint64()
	copy(c.signature[:], r.Take(key.SignatureSize))
	if !r.Done() || issued > maxTime || expires > maxTime {
		return Certificate{}, ErrCertificate
	}
	c.Issued, c.Expires = time.Unix(int64(issued), 0).UTC(), time.Unix(int64(expires), 0).UTC()
	if !c.plausible() {
		return Certificate{}, ErrCertificate
	}
	return c, nil
}
