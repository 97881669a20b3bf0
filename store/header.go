package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"libstatus1to1/chat/protocol/key"
)

// The header is the one record in clear. Layout, integers big-endian:
//
//	magic 8 | version 4 | store id 16 | kdf 1 | time 4 | memory KiB 4 | threads 1 |
//	salt 16 | nonce 24 | wrapped data key 32+16 | SHA-256 of all before 32
//
// Magic, version and the closing checksum stay where they are in every version.
// The wrap is XChaCha20-Poly1305 under the master key with everything before the
// nonce as associated data. An intact checksum with a failing wrap means a wrong
// passphrase; a broken checksum means damage.
type header struct {
	version uint32
	storeID [16]byte
	kdf     kdfKind
	argon   Argon2Params // zero with kdfNone
	salt    [16]byte
	nonce   [nonceSize]byte
	wrapped [wrappedSize]byte
}

type kdfKind byte

const (
	kdfNone     kdfKind = 0 // the master key was given
	kdfArgon2id kdfKind = 1
)

const (
	headerMagic = "st1to1\x00\x01"
	wrappedSize = len(key.Secret{}) + chacha20poly1305.Overhead
	// versionedSize is the size of the part that is the same in every version.
	versionedSize = len(headerMagic) + 4
	clearSize     = versionedSize + 16 + 1 + 4 + 4 + 1 + 16
	headerSize    = clearSize + nonceSize + wrappedSize + sha256.Size
)

var (
	errHeader       = errors.New("the header is damaged")
	errHeaderNewer  = errors.New("the header is of a newer version")
	errWrongUnlock  = errors.New("the wrapped key does not open")
	errMasterParams = errors.New("bad master key")
)

// clear is the part before the nonce.
func (h *header) clear() []byte {
	b := append(make([]byte, 0, headerSize), headerMagic...)
	b = binary.BigEndian.AppendUint32(b, h.version)
	b = append(b, h.storeID[:]...)
	b = append(b, byte(h.kdf))
	b = binary.BigEndian.AppendUint32(b, h.argon.Time)
	b = binary.BigEndian.AppendUint32(b, h.argon.MemoryKiB)
	b = append(b, h.argon.Threads)
	return append(b, h.salt[:]...)
}

// checksum returns the checksum at the end of an encoded header; no two headers have
// the same. It is nil if b is too short for a header.
func checksum(encoded []byte) []byte {
	if len(encoded) < headerSize {
		return nil
	}
	return encoded[len(encoded)-sha256.Size:]
}

func (h *header) encode() []byte {
	b := append(append(h.clear(), h.nonce[:]...), h.wrapped[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// decodeHeader reads a header of version 1 up to newest, or tells with
// errHeaderNewer that it is of a later one.
func decodeHeader(b []byte, newest uint32) (h header, err error) {
	if len(b) < versionedSize+sha256.Size || string(b[:len(headerMagic)]) != headerMagic {
		return h, errHeader
	}
	body, want := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], want) {
		return h, errHeader
	}
	h.version = binary.BigEndian.Uint32(body[len(headerMagic):])
	if h.version > newest {
		return h, errHeaderNewer
	}
	if h.version == 0 || len(b) != headerSize {
		return h, errHeader
	}
	rest := body[versionedSize:]
	rest = rest[copy(h.storeID[:], rest):]
	h.kdf = kdfKind(rest[0])
	h.argon = Argon2Params{binary.BigEndian.Uint32(rest[1:]), binary.BigEndian.Uint32(rest[5:]), rest[9]}
	rest = rest[10:]
	rest = rest[copy(h.salt[:], rest):]
	rest = rest[copy(h.nonce[:], rest):]
	copy(h.wrapped[:], rest)
	return h, h.validate()
}

func (h *header) validate() error {
	switch h.kdf {
	case kdfNone:
		if h.argon != (Argon2Params{}) {
			return errHeader
		}
	case kdfArgon2id:
		if !h.argon.valid() {
			return errHeader
		}
	default:
		return errHeader
	}
	return nil
}

// newHeader makes the header of a new store and its data key.
func newHeader(o Options, version uint32, rand io.Reader) (h header, data, master key.Secret, err error) {
	h.version = version
	for _, b := range [][]byte{h.storeID[:], data[:]} {
		if _, err = io.ReadFull(rand, b); err != nil {
			return h, data, master, err
		}
	}
	if len(o.Key) == 0 {
		h, master, err = h.withPassphrase(o.Passphrase, o.KDF.orDefault(), rand)
	} else {
		h.kdf = kdfNone
		copy(master[:], o.Key)
	}
	if err != nil {
		return h, data, master, err
	}
	h, err = h.wrap(master, data, rand)
	return h, data, master, err
}

// withPassphrase is h with a new salt, and the master key of passphrase under it.
func (h header) withPassphrase(passphrase string, p Argon2Params, rand io.Reader) (header, key.Secret, error) {
	h.kdf, h.argon = kdfArgon2id, p
	if _, err := io.ReadFull(rand, h.salt[:]); err != nil {
		return h, key.Secret{}, err
	}
	return h, p.derive(normalPassphrase(passphrase), h.salt[:]), nil
}

// unlock opens the data key with the key of o, or with its passphrase in each form
// that a store may have been made with.
func (h *header) unlock(o Options) (data, master key.Secret, err error) {
	if (h.kdf == kdfNone) != (len(o.Key) > 0) {
		return data, master, errMasterParams
	}
	if h.kdf == kdfNone {
		copy(master[:], o.Key)
		data, err = h.unwrap(master)
		return data, master, err
	}
	for _, form := range passphraseForms(o.Passphrase) {
		master = h.argon.derive(form, h.salt[:])
		if data, err = h.unwrap(master); err == nil {
			break
		}
	}
	return data, master, err
}

// wrap is h with the data key sealed under the master key.
func (h header) wrap(master, data key.Secret, rand io.Reader) (header, error) {
	if _, err := io.ReadFull(rand, h.nonce[:]); err != nil {
		return h, err
	}
	aead, err := chacha20poly1305.NewX(master[:])
	if err != nil {
		return h, err
	}
	aead.Seal(h.wrapped[:0], h.nonce[:], data[:], h.clear())
	return h, nil
}

// unwrap opens the data key.
func (h *header) unwrap(master key.Secret) (data key.Secret, err error) {
	aead, err := chacha20poly1305.NewX(master[:])
	if err != nil {
		return data, err
	}
	if _, err := aead.Open(data[:0], h.nonce[:], h.wrapped[:], h.clear()); err != nil {
		return key.Secret{}, errWrongUnlock
	}
	return data, nil
}
