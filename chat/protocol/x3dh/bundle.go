package x3dh

import (
	"errors"
	"slices"
	"strconv"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

const (
	// ProtocolVersion goes into our signed pre-keys. With another value peers never
	// agree on a negotiated topic.
	ProtocolVersion = 1

	// MaxSignedPreKeys limits the installations a bundle may list. Peers use three, by
	// last activity, and the deployed clients set no limit. The limit bounds the curve
	// arithmetic and the storage that one message can cause.
	MaxSignedPreKeys = 64

	// MaxInstallationIDLen bounds an installation id, in bytes. A UUID has 36.
	MaxInstallationIDLen = 64
)

// What making and reading bundles can fail with.
var (
	// ErrIdentity: the identity key is missing, no point, or not the signer's.
	ErrIdentity = errors.New("x3dh: the bundle's identity key is not valid")
	// ErrSignedPreKey: an entry has no key, a key that is not a point of the curve, or
	// an invalid id.
	ErrSignedPreKey = errors.New("x3dh: a signed pre-key of the bundle is not valid")
	// ErrTooMany: more than MaxSignedPreKeys entries.
	ErrTooMany = errors.New("x3dh: the bundle lists too many installations")
	// ErrSignature: the bundle is not signed by its identity.
	ErrSignature = errors.New("x3dh: the bundle is not signed by its identity")
)

// SignedPreKey is one installation's entry in a bundle.
//
// Spec: 53/WAKU2-X3DH, "Pre-keys".
type SignedPreKey struct {
	InstallationID  string // 1 to MaxInstallationIDLen bytes
	Key             key.Public
	Version         uint32 // from 1, one more a rotation
	ProtocolVersion uint32 // not signed: anybody who relays a bundle can change it
}

// Bundle is the pre-keys of one identity's installations. One that ParseBundle gave is
// verified.
//
// The signed bytes have no separators, so the signature does not fix where a version
// ends and the next installation id begins ("3" and "01", or "30" and "1"). Identity,
// pre-keys, their order and the timestamp it does fix. All deployed clients share this.
//
// Spec: 53/WAKU2-X3DH, "1. Initial key exchange flow (X3DH)".
type Bundle struct {
	Identity      key.Public
	SignedPreKeys []SignedPreKey // by installation id, in byte order
	Timestamp     int64          // ns since 1970; 0: none
}

// Find is the entry of an installation.
func (b Bundle) Find(installationID string) (SignedPreKey, bool) {
	for _, spk := range b.SignedPreKeys {
		if spk.InstallationID == installationID {
			return spk, true
		}
	}
	return SignedPreKey{}, false
}

// Sign is the bundle as it goes on the wire, signed by its identity. The entries may be
// in any order, ids being distinct. Errors: ErrIdentity, ErrSignedPreKey, ErrTooMany.
//
// Spec: 53/WAKU2-X3DH, "1. Initial key exchange flow (X3DH)".
func (b Bundle) Sign(identity key.Private) (*wire.Bundle, error) {
	if identity.IsZero() || identity.Public() != b.Identity {
		return nil, ErrIdentity
	}
	out := &wire.Bundle{
		Identity:      b.Identity.Compressed(),
		SignedPreKeys: make(map[string]*wire.SignedPreKey, len(b.SignedPreKeys)),
		Timestamp:     b.Timestamp,
	}
	for _, spk := range b.SignedPreKeys {
		if _, twice := out.SignedPreKeys[spk.InstallationID]; twice || spk.Key.IsZero() {
			return nil, ErrSignedPreKey
		}
		out.SignedPreKeys[spk.InstallationID] = &wire.SignedPreKey{
			SignedPreKey: spk.Key.Compressed(), Version: spk.Version, ProtocolVersion: spk.ProtocolVersion,
		}
	}
	ids, err := installationIDs(out)
	if err != nil {
		return nil, err
	}
	if out.Signature, err = identity.Sign(key.Keccak256(signatureMaterial(out, ids))); err != nil {
		return nil, ErrIdentity
	}
	return out, nil
}

// ParseBundle checks the bounds, the signature and every key of a bundle that came from
// somebody else. Errors: ErrIdentity, ErrTooMany, ErrSignedPreKey, ErrSignature.
//
// Spec: 53/WAKU2-X3DH, "1. Initial key exchange flow (X3DH)".
func ParseBundle(w *wire.Bundle) (Bundle, error) {
	identity, err := compressed(w.GetIdentity())
	if err != nil {
		return Bundle{}, ErrIdentity
	}
	ids, err := installationIDs(w)
	if err != nil {
		return Bundle{}, err
	}
	signer, err := key.Recover(key.Keccak256(signatureMaterial(w, ids)), w.GetSignature())
	if err != nil || signer != identity {
		return Bundle{}, ErrSignature
	}
	b := Bundle{Identity: identity, Timestamp: w.GetTimestamp()}
	for _, id := range ids {
		spk := w.GetSignedPreKeys()[id]
		k, err := compressed(spk.GetSignedPreKey())
		if err != nil {
			return Bundle{}, ErrSignedPreKey
		}
		b.SignedPreKeys = append(b.SignedPreKeys, SignedPreKey{
			InstallationID: id, Key: k, Version: spk.GetVersion(), ProtocolVersion: spk.GetProtocolVersion(),
		})
	}
	return b, nil
}

// compressed reads a key that must be 33 bytes.
func compressed(b []byte) (key.Public, error) {
	if len(b) != key.CompressedSize {
		return key.Public{}, key.ErrPublic
	}
	return key.ParsePublic(b)
}

// installationIDs checks the bounds of a bundle, which cost nothing, and gives its
// installation ids in byte order.
func installationIDs(w *wire.Bundle) ([]string, error) {
	if len(w.GetSignedPreKeys()) > MaxSignedPreKeys {
		return nil, ErrTooMany
	}
	ids := make([]string, 0, len(w.GetSignedPreKeys()))
	for id, spk := range w.GetSignedPreKeys() {
		if id == "" || len(id) > MaxInstallationIDLen || len(spk.GetSignedPreKey()) != key.CompressedSize {
			return nil, ErrSignedPreKey
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

// signatureMaterial is the bytes that are hashed and signed: for each installation its
// id, pre-key and version in decimal; then the timestamp in decimal, unless 0.
// protocol_version is not in it.
//
// Spec: 53/WAKU2-X3DH, "1. Initial key exchange flow (X3DH)"; the timestamp as deployed.
func signatureMaterial(w *wire.Bundle, ids []string) []byte {
	var m []byte
	for _, id := range ids {
		spk := w.GetSignedPreKeys()[id]
		m = append(m, id...)
		m = append(m, spk.GetSignedPreKey()...)
		m = strconv.AppendUint(m, uint64(spk.GetVersion()), 10)
	}
	if w.GetTimestamp() != 0 {
		m = strconv.AppendInt(m, w.GetTimestamp(), 10)
	}
	return m
}
