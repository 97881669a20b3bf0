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
	// MaxInstallations is how many installations of one identity are addressed,
	// those with the latest sign of life. Spec: 54, "Pairing": at most 3.
	MaxInstallations = 3
	// MaxKnownInstallations bounds what a hostile identity can make us remember.
	MaxKnownInstallations = 16
	// MaxSessions bounds the sessions kept with one installation: the one in use,
	// a concurrent one, and some whose late messages may still come. With
	// installations that no bundle names it bounds all of them together.
	MaxSessions = 5
	// MaxSkippedKeys bounds the keys kept for late messages in all sessions with one
	// identity together, which could otherwise be some eighty: what its active
	// installations may need in the sessions in use.
	MaxSkippedKeys = MaxInstallations * ratchet.MaxSkippedKeys
	// MaxBundles is how many bundles of its sender a message may carry. Each costs a
	// signature check; the deployed clients send one.
	MaxBundles = 8
	// KeepExpired is how long a session that is no longer used for sending stays
	// readable: as long as the pre-key it began from is kept.
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

// Source is where randomness comes from: Rand for keys and nonces, IV for the
// message IVs of the ratchet.
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
	// Limit is how many installations are addressed; 0 means MaxInstallations, below
	// it none. It is a setting, not stored.
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
	// BundleTimestamp is when that bundle was signed, ns; Activity the last sign
	// of life, ns.
	BundleTimestamp int64
	Activity        int64
	// Disabled: nothing is addressed to it. An own other installation begins so; one
	// of somebody else becomes it when the device that listed it does not any more.
	Disabled bool
	// Agreed: it has sent us something encrypted, so it listens on the
	// negotiated topic.
	Agreed bool
	// ListedBy is another installation whose bundle listed this one last, ListedAt
	// when the last bundle of its own was signed, UnlistedAt when the one was that did
	// not list it any more, ns, and UnlistedBy whose that was.
	ListedBy   string
	ListedAt   int64
	UnlistedAt int64
	UnlistedBy string
	// Listing is which of the known installations its own last bundle listed: itself at
	// least; none when no bundle of its own was heard.
	Listing []string
	// KnownAt is when it was first heard of, ns, by our clock.
	KnownAt int64
	// ConflictWith is the installation that took this one off its list, when this one
	// took it off after that.
	ConflictWith string
	// UnopenedPreKey is the pre-key from which no new session gets through to it. While
	// it has no other one, it is written to without a session: see SendWithoutSession.
	UnopenedPreKey key.Public
	// Of own other installations: Decided says that the user enabled or disabled it
	// here, Name is what they call it, Lists that its last bundle lists this
	// installation, and Dropped that it did so once and does not any more.
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
	Doubted   bool
	Ratchet   ratchet.State
	CreatedAt time.Time
	UsedAt    time.Time
}

// OrderSize is how much of the X3DH secret is kept to order sessions: enough
// that ties do not happen, too little to matter if it is seen.
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
