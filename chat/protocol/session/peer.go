// Package session decides, for one identity we talk with, which of its
// installations a message goes to and which ratchet session carries it:
// 54/WAKU2-X3DH-SESSIONS over the agreement and ratchet of 53/WAKU2-X3DH.
//
// A Peer is a value. Encrypt and Receive return the next value and leave the old
// one as it was, so that nothing is changed by a message that does not
// authenticate: the caller commits the next value, or drops it.
package session

import (
	"crypto/sha256"
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/x3dh"
)

// Limits.
const (
	// MaxInstallations is the number of installations of one identity that messages are
	// sent to: those with the latest activity.
	// Spec: 54, "Pairing": at most 3.
	MaxInstallations = 3
	// MaxKnownInstallations bounds what a hostile identity can make us remember.
	MaxKnownInstallations = 16
	// MaxSessions limits the sessions kept with one installation: the one in use, a
	// concurrent one, and some whose late messages may still arrive. Installations that
	// no bundle names share one such limit.
	MaxSessions = 5
	// MaxSkippedKeys bounds the keys kept for late messages in all sessions with one
	// identity together, which could otherwise be some eighty: what its active
	// installations may need in the sessions in use.
	MaxSkippedKeys = MaxInstallations * ratchet.MaxSkippedKeys
	// MaxBundles is the number of bundles of its sender that a message may carry. Each
	// costs a signature check; the deployed clients send one.
	MaxBundles = 8
	// KeepExpired is the time a session that is no longer used for sending can still
	// decrypt: as long as the pre-key it started from is kept.
	KeepExpired = x3dh.KeepSpent
	// NoInstallation addresses whichever device reads it, when no bundle is
	// known. Spec: 53, "Initial key exchange flow".
	NoInstallation = "none"
)

// Self is our side: the identity and this installation of it.
type Self struct {
	Identity       key.Private
	InstallationID string
	PreKeys        x3dh.PreKeys
}

// Source provides randomness: Rand for keys and nonces, IV for the message IVs of the
// ratchet.
type Source struct {
	Rand io.Reader
	IV   ratchet.IV
}

// Peer is all that sessions need to know of one identity. The zero value with an
// Identity is somebody we know nothing of.
type Peer struct {
	Identity      key.Public
	Installations []Installation
	// Sessions with all installations. Those with one of them are in the order in
	// which they were last heard or begun.
	Sessions []Session
	// Limit is the number of installations that messages are sent to; 0 means
	// MaxInstallations, a negative number none. It is a setting and is not stored.
	Limit int

	// learned names the bundle that was taken last (see bundleDigest). It is not
	// stored.
	learned [sha256.Size]byte
}

// Installation is one device of a person, known from its bundles.
// Spec: 54, "Initialization".
type Installation struct {
	ID              string
	ProtocolVersion uint32
	// PreKey is the signed pre-key of its newest bundle, PreKeyVersion its version.
	PreKey        key.Public
	PreKeyVersion uint32
	// BundleTimestamp is the time that bundle was signed, ns; Activity is the time of
	// the last activity, ns.
	BundleTimestamp int64
	Activity        int64
	// Disabled: no messages are sent to it. Our own other installations start disabled;
	// another person's becomes disabled when the device that listed it no longer does.
	Disabled bool
	// Agreed: it has sent us something encrypted, which shows that it listens on the
	// negotiated topic.
	Agreed bool
	// ListedBy is the installation whose bundle last listed this one. ListedAt is the
	// time its own latest bundle was signed, ns. UnlistedAt is the time of the bundle
	// that no longer listed it, ns, and UnlistedBy the installation that signed that
	// one.
	ListedBy   string
	ListedAt   int64
	UnlistedAt int64
	UnlistedBy string
	// Listing is the known installations that its own latest bundle listed: at least
	// itself, or none if no bundle of its own was received.
	Listing []string
	// KnownAt is the time the installation first became known, ns, by our clock.
	KnownAt int64
	// ConflictWith is the installation that removed this one from its list, if this one
	// removed it afterwards.
	ConflictWith string
	// UnopenedPreKey is the pre-key from which no new session reaches the installation.
	// Until the installation has another pre-key, messages to it are sent without a
	// session: see SendWithoutSession.
	UnopenedPreKey key.Public
	// The next four are used for our own other installations. Decided: the user has
	// enabled or disabled it here. Name: the name the user gave it, or else the name it
	// announced. Lists: its latest bundle lists this installation. Dropped: it listed
	// this installation once and no longer does.
	Decided bool
	Name    string
	Lists   bool
	Dropped bool
}

// Session is a ratchet session with one installation.
type Session struct {
	// ID is the signed pre-key the session began from, theirs or ours; DR headers
	// name the session by it.
	ID             key.Public
	InstallationID string
	// Order decides between concurrent sessions: the lower is used for sending.
	// Spec: 54, "Concurrent sessions".
	Order Order
	// Ephemeral is our X3DH key while the other side has not answered in this
	// session: as long, every message carries the X3DH header.
	Ephemeral key.Public
	// RemoteEphemeral is the other side's X3DH key when it began the session.
	RemoteEphemeral key.Public
	// Doubted: the other side may have lost it, and has not been heard in it since. It
	// is not used for sending.
	Doubted bool
	// PSK is the pre-shared key for a Noise handshake with the installation; zero for a
	// session of an earlier version.
	PSK       key.Secret
	Ratchet   ratchet.State
	CreatedAt time.Time
	UsedAt    time.Time
}

// OrderSize is the number of bytes of the X3DH secret that are kept to order sessions:
// enough to make ties practically impossible, too few to matter if they are seen.
const OrderSize = 8

// Order is the beginning of an X3DH secret. It redacts itself.
type Order [OrderSize]byte

// Established reports whether the other side is known to hold the session.
func (s Session) Established() bool { return s.Ephemeral.IsZero() }

// clone copies what Encrypt and Receive change.
func (p Peer) clone() Peer {
	p.Installations = slices.Clone(p.Installations)
	p.Sessions = slices.Clone(p.Sessions)
	return p
}
