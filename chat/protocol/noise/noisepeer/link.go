package noisepeer

import (
	"cmp"
	"crypto/cipher"
	"io"
	"slices"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// scope is that of the content topics of our sessions.
var scope = noise.DefaultScope

// link is a session with a device, and what we know of its use.
type link struct {
	session noisesession.Session
	topic   string
	// The time of its handshake as the initiator gave it. Both sides know the same one: of two
	// sessions, the one with the later time is the newer one on both.
	time      uint64
	handshake handshakeID
	pattern   string
	initiator bool // we began it
	confirmed bool // the device was heard in it
	// What we showed in the handshake, and when its certificate runs out.
	ownStatic  noise.PublicKey
	ownExpires time.Time

	used            time.Time // a message was sealed or opened in it last
	unanswered      uint32    // messages sealed since the device was heard
	unansweredSince time.Time
	confirmedAt     time.Time // we confirmed it last
	last            resending // message 3, until the device is heard

	out, in cipher.AEAD // of the inner layer
}

// innerLabel keeps the keys of the inner layer apart from what else is derived from a session.
const innerLabel = "status1to1-noise-inner/1"

// sealedOverhead is the number of bytes that the inner layer adds: the kind, a nonce and an
// authentication tag.
const sealedOverhead = 1 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

// ready fills in what follows from the session.
func (l link) ready() (link, error) {
	l.topic = l.session.Topic()
	if !l.opens() {
		l.out, l.in = nil, nil
		return l, nil
	}
	out, in, err := l.session.Export(innerLabel)
	if err != nil {
		return l, err
	}
	if l.out, err = chacha20poly1305.NewX(out[:]); err != nil {
		return l, err
	}
	l.in, err = chacha20poly1305.NewX(in[:])
	return l, err
}

// opens reports whether the session still has its keys.
func (l link) opens() bool { return l.session.State() != noisesession.Terminated }

// usable reports whether the session is active.
func (l link) usable(now time.Time) bool {
	return l.session.State() == noisesession.Active && !l.session.Expired(now)
}

// seal seals content in the session, with an inner layer that has a random nonce. The nonces of
// the session count from 0: a store that was replaced by an older copy of itself uses some of
// them again, for other messages. Then the outer layer shows how the two differ, and protects
// neither; but they are ciphertexts of the inner layer.
func (l link) seal(kind Kind, content []byte, now time.Time, rand io.Reader) (link, Outgoing, error) {
	inner := make([]byte, chacha20poly1305.NonceSizeX, sealedOverhead+len(content))
	if _, err := io.ReadFull(rand, inner); err != nil {
		return l, Outgoing{}, err
	}
	nonce := inner
	inner = append(append(inner, byte(kind)), content...)
	text := inner[len(nonce):]
	l.out.Seal(text[:0], nonce, text, nil)
	s, payload, err := l.session.Seal(inner[:cap(inner)])
	if err != nil {
		return l, Outgoing{}, err
	}
	l.session = s
	if kind != Confirmation {
		if l.unanswered == 0 {
			l.unansweredSince = now
		}
		l.unanswered, l.used = l.unanswered+1, now
	}
	return l, Outgoing{s.Peer().InstallationID, l.topic, payload}, nil
}

// open opens a payload. Error: ErrOpen; then nothing has changed, also if only the inner layer
// does not authenticate: who has seen one nonce used twice can forge the outer one.
func (l link) open(payload []byte, now time.Time) (link, Kind, []byte, error) {
	s, m, err := l.session.Open(payload, now)
	if err != nil || m.Kind != noisesession.Data || len(m.Text) < sealedOverhead {
		return l, 0, nil, ErrOpen
	}
	nonce, text := m.Text[:chacha20poly1305.NonceSizeX], m.Text[chacha20poly1305.NonceSizeX:]
	plaintext, err := l.in.Open(text[:0], nonce, text, nil)
	if err != nil {
		return l, 0, nil, ErrOpen
	}
	l.session, l.unanswered, l.unansweredSince = s, 0, time.Time{}
	kind := Kind(plaintext[0])
	if kind != Confirmation {
		l.used = now
	}
	return l, kind, plaintext[1:], nil
}

// confirm tells the device that we have the session.
func (l link) confirm(now time.Time, rand io.Reader) (link, []Outgoing, error) {
	l, out, err := l.seal(Confirmation, nil, now, rand)
	if err != nil {
		return l, nil, err
	}
	l.confirmedAt = now
	return l, []Outgoing{out}, nil
}

// mayConfirm reports whether the session can be confirmed (again) now.
func (l link) mayConfirm(now time.Time) bool {
	return l.usable(now) && !l.session.Away() && now.Sub(l.confirmedAt) >= confirmAgain
}

// compare is the order of sessions with a device: that of their handshakes.
func (l link) compare(m link) int {
	return cmp.Or(cmp.Compare(l.time, m.time), slices.Compare(l.handshake[:], m.handshake[:]))
}

// sending returns the index of the session that messages to the device are sealed in, -1 for
// none: the newest one that the device was heard in, else the newest one. A device that
// has not been heard in a session may not have it.
// Spec: 37/WAKU2-NOISE-SESSIONS, "The NM session management mechanism".
func (d device) sending(now time.Time) int {
	newest := -1
	for i, l := range slices.Backward(d.links) {
		if !l.usable(now) || l.session.Away() {
			continue
		}
		if l.confirmed {
			return i
		}
		if newest < 0 {
			newest = i
		}
	}
	return newest
}

// add adds a session. Above noisesession.MaxPerDevice, the least useful one is dropped:
// terminated before stale before active ones, of each the oldest.
func (d *device) add(l link) {
	at, _ := slices.BinarySearchFunc(d.links, l, link.compare)
	d.links = slices.Insert(d.links, at, l)
	for len(d.links) > noisesession.MaxPerDevice {
		worst := 0
		for i, m := range d.links {
			if m.session.State() > d.links[worst].session.State() {
				worst = i
			}
		}
		d.links = slices.Delete(d.links, worst, worst+1)
	}
}

// heard notes that the device was heard in session i. If that is new, the sessions before it
// are not needed any more, but for late messages.
func (d *device) heard(i int, now time.Time) (first bool) {
	d.seen = now
	l := &d.links[i]
	if l.confirmed {
		return false
	}
	l.confirmed, l.last = true, resending{}
	for j := range d.links[:i] {
		d.links[j].session = d.links[j].session.Retire(now)
		d.links[j].last = resending{}
	}
	return true
}

// byHandshake is the index of the session of a handshake, -1 for none.
func (d device) byHandshake(id handshakeID) int {
	return slices.IndexFunc(d.links, func(l link) bool { return l.handshake == id })
}
