package noise

import (
	"crypto/hkdf"
	"crypto/sha256"

	"libstatus1to1/chat/protocol/key"
)

// symmetric is Noise's SymmetricState, as a value: a copy is a checkpoint.
// Spec: The Noise Protocol Framework, "The SymmetricState object".
type symmetric struct {
	ck    [sha256.Size]byte // chaining key
	h     [sha256.Size]byte // handshake hash
	k     [sha256.Size]byte // cipher key, if keyed
	n     uint64            // nonce
	keyed bool
}

func newSymmetric(protocolName string) symmetric {
	var s symmetric
	if len(protocolName) <= len(s.h) {
		copy(s.h[:], protocolName)
	} else {
		s.h = sha256.Sum256([]byte(protocolName))
	}
	s.ck = s.h
	return s
}

func (s *symmetric) mixHash(data []byte) {
	h := sha256.New()
	h.Write(s.h[:])
	h.Write(data)
	h.Sum(s.h[:0])
}

func (s *symmetric) mixKey(secret []byte) {
	okm := derive(s.ck[:], secret, "", 64)
	s.ck, s.k = [32]byte(okm[:32]), [32]byte(okm[32:])
	s.n, s.keyed = 0, true
}

func (s *symmetric) mixKeyAndHash(secret []byte) {
	okm := derive(s.ck[:], secret, "", 96)
	s.ck, s.k = [32]byte(okm[:32]), [32]byte(okm[64:])
	s.mixHash(okm[32:64])
	s.n, s.keyed = 0, true
}

// encryptAndHash seals with h and extra as associated data; in clear before there is a
// key.
func (s *symmetric) encryptAndHash(plaintext, extra []byte) []byte {
	out := plaintext
	if s.keyed {
		out = suite.Cipher(s.k).Encrypt(nil, s.n, s.ad(extra), plaintext)
		s.n++
	}
	s.mixHash(out)
	return out
}

// decryptAndHash opens what encryptAndHash sealed. Error: ErrAuth; then s is spoilt.
func (s *symmetric) decryptAndHash(data, extra []byte) ([]byte, error) {
	out := data
	if s.keyed {
		var err error
		if out, err = suite.Cipher(s.k).Decrypt(nil, s.n, s.ad(extra), data); err != nil {
			return nil, ErrAuth
		}
		s.n++
	}
	s.mixHash(data)
	return out, nil
}

func (s *symmetric) ad(extra []byte) []byte {
	return append(append(make([]byte, 0, len(s.h)+len(extra)), s.h[:]...), extra...)
}

// split are the keys initiator to responder, and back.
func (s *symmetric) split() (forth, back key.Secret) {
	okm := derive(s.ck[:], nil, "", 64)
	return key.Secret(okm[:32]), key.Secret(okm[32:])
}

// nametagSecrets are the secrets of the nametags initiator to responder, and back. The
// one back comes first out of h, as deployed.
func (s *symmetric) nametagSecrets() (forth, back key.Secret) {
	okm := derive(s.h[:], nil, "", 64)
	return key.Secret(okm[32:]), key.Secret(okm[:32])
}

// derive is HKDF-SHA256. It cannot fail for the few bytes asked for here.
func derive(salt, secret []byte, info string, n int) []byte {
	okm, err := hkdf.Key(sha256.New, secret, salt, info, n)
	if err != nil {
		panic("noise: hkdf: " + err.Error())
	}
	return okm
}
