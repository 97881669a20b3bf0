package noisepeer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"io"
	"slices"
	"strings"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// handshake is one under way.
type handshake struct {
	noise    noise.Handshake
	id       handshakeID
	time     uint64          // when it was begun, ms, as the initiator says
	previous noisesession.ID // in its prologue, zero for none
	way      way             // of ours
	since    time.Time       // by our clock
	last     resending       // our latest message
}

// resending is a frame that goes out until it is answered. The zero value is none.
type resending struct {
	frame []byte
	sent  uint32
	due   time.Time
}

// again notes that the frame goes out now.
func (r resending) again(now time.Time) resending {
	delay := resendMost
	if r.sent < 16 {
		delay = min(delay, resendFirst<<r.sent)
	}
	r.sent, r.due = r.sent+1, now.Add(delay)
	return r
}

// way is a way to begin a handshake, by what it is based on. They are listed in the order in
// which they are tried. The numbers are stored.
type way uint32

const (
	wayPrevious    way = 1 << iota // K1K1: the session before
	wayCard                        // XXpsk0: the secret of a card
	waySession                     // XXpsk0: the secret of an X3DH session
	wayCertificate                 // XK1: the device's static key
	wayNothing                     // XX
	ways           = iota
)

func wayOf(kind SecretKind) way {
	if kind == CardSecret {
		return wayCard
	}
	return waySession
}

// basis holds what a handshake of ours starts from.
type basis struct {
	way      way
	pattern  string
	secret   secret
	previous noisesession.ID
	expected noise.PublicKey // the device's static key
}

// choose finds the first way that the device has not refused and for which we know enough.
// With a session before it goes on from there; a secret keeps everything, also the session's
// id, from whoever does not have it; a known static key keeps our own from everybody but that
// device. In each case both sides show certificates, or nothing comes of it.
func (d device) choose(self Self, now time.Time) (basis, bool) {
	for i := range ways {
		if w := way(1 << i); d.refused&w == 0 {
			if b, ok := d.basis(self, w, now); ok {
				return b, true
			}
		}
	}
	return basis{}, false
}

func (d device) basis(self Self, w way, now time.Time) (basis, bool) {
	b := basis{way: w, pattern: noise.XXpsk0}
	var ok bool
	switch w {
	case wayPrevious:
		for _, l := range slices.Backward(d.links) {
			if l.confirmed && l.ownStatic == self.Static.Public() {
				b.pattern, b.previous, b.expected = noise.K1K1, l.session.ID(), l.session.Peer().Static
				return b, true
			}
		}
	case wayCard:
		b.secret, ok = d.secretOf(CardSecret, now)
	case waySession:
		b.secret, ok = d.secretOf(SessionSecret, now)
	case wayCertificate:
		b.pattern, b.expected = noise.XK1, d.certificate.Static
		ok = !d.certificate.Identity.IsZero() && d.certificate.Verify(now) == nil
	case wayNothing:
		b.pattern, ok = noise.XX, true
	}
	return b, ok
}

// Begin makes sure that there is, or will be, a session with a device. If there is none it
// begins a handshake and returns the frame to send; that goes on, by Tick, until there is a
// session. While there is a session, or a handshake is under way,
// there is no frame (see Renew). Errors: ErrSelf, ErrFrame for an installation id that
// cannot be one or is ours, ErrTooMany, those of rand.
// Spec: 37/WAKU2-NOISE-SESSIONS, "Session states"; 35/WAKU2-NOISE, "Appendix: Supported
// Handshakes Description".
func (p Peer) Begin(self Self, installation string, now time.Time, rand io.Reader) (Peer, []Frame, error) {
	return p.begin(self, installation, false, now, rand)
}

// Renew begins a handshake like Begin although there is a session. That session is used until
// the device is heard in the new one.
func (p Peer) Renew(self Self, installation string, now time.Time, rand io.Reader) (Peer, []Frame, error) {
	return p.begin(self, installation, true, now, rand)
}

func (p Peer) begin(self Self, installation string, renew bool, now time.Time, rand io.Reader) (Peer, []Frame, error) {
	if err := self.check(); err != nil {
		return p, nil, err
	}
	if p.Identity == self.Certificate.Identity && installation == self.Certificate.InstallationID {
		return p, nil, ErrFrame
	}
	next, d, err := p.edit(installation, now)
	if err != nil {
		return p, nil, err
	}
	if d.begun != nil || !renew && d.sending(now) >= 0 {
		return p, nil, nil
	}
	d.wanted = true
	if d.theirTurn(now) || now.Before(d.notBefore) {
		return next, nil, nil
	}
	frames, err := next.start(self, d, now, rand)
	if err != nil {
		return p, nil, err
	}
	return next, frames, nil
}

// theirTurn reports whether the device has begun a handshake lately, which will do.
func (d device) theirTurn(now time.Time) bool {
	return d.answered != nil && now.Sub(d.answered.since) < patience
}

// start begins a handshake with d, a device of p. If the device has refused all ways, none
// begins for a while, and then they are all tried again.
func (p Peer) start(self Self, d *device, now time.Time, rand io.Reader) ([]Frame, error) {
	b, ok := d.choose(self, now)
	if !ok {
		d.refused = 0
		d.fail(now, true)
		return nil, nil
	}
	at := max(uint64(now.UnixMilli()), d.begunTime+1, d.newest()+1)
	f := frame{
		between: between(self.Certificate.Identity, p.Identity), from: self.Certificate.InstallationID, to: d.id,
		time: at, secret: b.secret.id, expected: b.expected,
	}
	if !b.previous.IsZero() {
		f.previous = b.previous.Hash()
	}
	f.head = f.headFirst()
	c := noise.Config{
		Initiator: true, RemoteStatic: b.expected, PSK: b.secret.key,
		Prologue: prologue(self.Certificate.Identity, p.Identity, f.head, b.previous),
	}
	h, err := self.handshake(b.pattern, c, rand)
	if err != nil {
		return nil, err
	}
	h, payload, err := h.Write(nil)
	if err != nil {
		return nil, err
	}
	bytes := slices.Concat(f.head, payload)
	sum := sha256.Sum256(bytes)
	d.begunTime, d.wanted = at, true
	d.begun = &handshake{
		noise: h, id: handshakeID(sum[:]), time: at, previous: b.previous, way: b.way, since: now,
		last: resending{frame: bytes}.again(now),
	}
	return []Frame{{d.id, bytes}}, nil
}

// handshake makes one of our side.
func (s Self) handshake(pattern string, c noise.Config, rand io.Reader) (noise.Handshake, error) {
	var err error
	if c.Pattern, err = noise.Lookup(pattern); err != nil {
		return noise.Handshake{}, err
	}
	if c.Ephemeral, err = noise.GenerateKey(rand); err != nil {
		return noise.Handshake{}, err
	}
	c.Static = s.Static
	return noise.New(c)
}

// newest is the time of the latest handshake with the device that the other side may have
// taken part in: one that we answered, or one that led to a session.
func (d device) newest() uint64 {
	newest := d.answeredTime
	for _, l := range d.links {
		newest = max(newest, l.time)
	}
	return newest
}

// fail notes that a handshake of ours came to nothing. After several in a row, or if delay is
// set, the next one does not begin at once.
func (d *device) fail(now time.Time, delay bool) {
	d.begun = nil
	d.failures++
	if delay || d.failures > restartsAtOnce {
		shift := min(d.failures, 16)
		d.notBefore = now.Add(min(backoffMost, backoffFirst<<shift))
	}
}

// precedes reports whether a handshake that we have begun goes on when the device has begun one
// too: ours is the lower identity key, compared as 04 || X || Y, or among our own devices the
// lower installation id.
func (p Peer) precedes(self Self, installation string) bool {
	return cmp.Or(
		compareIdentity(self.Certificate.Identity, p.Identity),
		strings.Compare(self.Certificate.InstallationID, installation),
	) < 0
}

func compareIdentity(a, b key.Public) int { return bytes.Compare(a.Uncompressed(), b.Uncompressed()) }
