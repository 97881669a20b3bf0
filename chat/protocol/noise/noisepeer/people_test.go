package noisepeer_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/chat/wire"
)

var epoch = time.Unix(1_790_000_000, 0).UTC()

const certificateLife = 180 * 24 * time.Hour

// world has a clock and randomness for all of its devices.
type world struct {
	t    testing.TB
	rand *rand.ChaCha8
	now  time.Time
}

func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	var s [32]byte
	for i := range 8 {
		s[i] = byte(seed >> (8 * i))
	}
	return &world{t, rand.NewChaCha8(s), epoch}
}

func (w *world) identity() key.Private {
	w.t.Helper()
	k, err := key.Generate(w.rand)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// device is an installation with what it knows of people.
type device struct {
	*world
	identity key.Private
	id       string
	self     noisepeer.Self
	peers    map[key.Public]*noisepeer.Peer
	cards    map[noisepeer.SecretID]key.Secret // secrets of its own cards
}

func (w *world) device(identity key.Private, id string) *device {
	w.t.Helper()
	static, err := noise.GenerateKey(w.rand)
	if err != nil {
		w.t.Fatal(err)
	}
	d := &device{world: w, identity: identity, id: id, peers: map[key.Public]*noisepeer.Peer{}, cards: map[noisepeer.SecretID]key.Secret{}}
	d.self.Static = static
	d.certify(certificateLife)
	return d
}

// certify gives the device a new certificate.
func (d *device) certify(life time.Duration) {
	d.t.Helper()
	c, err := noise.Issue(d.identity, d.id, d.self.Static.Public(), d.now, life)
	if err != nil {
		d.t.Fatal(err)
	}
	d.self.Certificate = c
}

// newStatic gives the device another static key.
func (d *device) newStatic() {
	d.t.Helper()
	static, err := noise.GenerateKey(d.rand)
	if err != nil {
		d.t.Fatal(err)
	}
	d.now = d.now.Add(time.Second) // the newer certificate counts
	d.self.Static = static
	d.certify(certificateLife)
}

// pair makes Alice, who has the lower key, and Bob, with a device each.
func (w *world) pair() (alice, bob *device) {
	a, b := w.identity(), w.identity()
	if bytes.Compare(a.Public().Uncompressed(), b.Public().Uncompressed()) > 0 {
		a, b = b, a
	}
	return w.device(a, "alice-1"), w.device(b, "bob-1")
}

// of returns the state that d has of the identity of another device.
func (d *device) of(other *device) *noisepeer.Peer {
	p := d.peers[other.identity.Public()]
	if p == nil {
		p = &noisepeer.Peer{Identity: other.identity.Public()}
		d.peers[p.Identity] = p
	}
	return p
}

func (d *device) secrets(id noisepeer.SecretID) (key.Secret, bool) {
	s, found := d.cards[id]
	return s, found
}

var cardID = noisepeer.SecretID{Kind: noisepeer.CardSecret, ID: "card-1"}

// card gives d what a card of other says.
func (d *device) card(other *device) {
	d.t.Helper()
	var psk key.Secret
	_, _ = d.rand.Read(psk[:])
	other.cards[cardID] = psk
	d.learn(other)
	d.share(other, cardID, psk)
}

// learn gives d the certificate of other.
func (d *device) learn(other *device) {
	d.t.Helper()
	p, err := d.of(other).LearnCertificate(other.self.Certificate, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	*d.of(other) = p
}

func (d *device) share(other *device, id noisepeer.SecretID, psk key.Secret) {
	d.t.Helper()
	p, err := d.of(other).LearnSecret(other.id, id, psk, time.Time{}, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	*d.of(other) = p
}

// shareX3DH gives both a secret, as of an X3DH session.
func shareX3DH(a, b *device) {
	var psk key.Secret
	_, _ = a.rand.Read(psk[:])
	id := noisepeer.SecretID{Kind: noisepeer.SessionSecret, ID: string(psk[:8])}
	a.share(b, id, psk)
	b.share(a, id, psk)
}

func (d *device) begin(other *device) [][]byte {
	d.t.Helper()
	p, frames, err := d.of(other).Begin(d.self, other.id, d.now, d.rand)
	if err != nil {
		d.t.Fatal(err)
	}
	*d.of(other) = p
	return raw(frames)
}

func (d *device) renew(other *device) [][]byte {
	d.t.Helper()
	p, frames, err := d.of(other).Renew(d.self, other.id, d.now, d.rand)
	if err != nil {
		d.t.Fatal(err)
	}
	*d.of(other) = p
	return raw(frames)
}

func raw(frames []noisepeer.Frame) [][]byte {
	var all [][]byte
	for _, f := range frames {
		all = append(all, f.Bytes)
	}
	return all
}

// take receives a frame of other.
func (d *device) take(other *device, frame []byte) (noisepeer.Received, error) {
	p, r, err := d.of(other).Receive(d.self, frame, d.secrets, d.now, d.rand)
	if err == nil {
		*d.of(other) = p
	}
	return r, err
}

func (d *device) mustTake(other *device, frame []byte) noisepeer.Received {
	d.t.Helper()
	r, err := d.take(other, frame)
	if err != nil {
		d.t.Fatalf("%s: a frame of %s: %v", d.id, other.id, err)
	}
	return r
}

// open opens a payload of other.
func (d *device) open(other *device, o noisepeer.Outgoing) (noisepeer.Opened, error) {
	p, opened, err := d.of(other).Open(o.Topic, o.Payload, d.now, d.rand)
	if err == nil {
		*d.of(other) = p
	}
	return opened, err
}

func (d *device) seal(other *device, text string) noisepeer.Outgoing {
	d.t.Helper()
	p, out, missing, err := d.of(other).Seal([]byte(text), []string{other.id}, d.now, d.rand)
	if err != nil || len(out) != 1 || len(missing) > 0 {
		d.t.Fatalf("%s seals for %s: %d, missing %q: %v", d.id, other.id, len(out), missing, err)
	}
	*d.of(other) = p
	return out[0]
}

func (d *device) mustOpen(other *device, o noisepeer.Outgoing, want string) noisepeer.Opened {
	d.t.Helper()
	opened, err := d.open(other, o)
	if err != nil || opened.Kind != noisepeer.Data || string(opened.Plaintext) != want || opened.Installation != other.id {
		d.t.Fatalf("%s opens kind %d %q of %q, want %q: %v", d.id, opened.Kind, opened.Plaintext, opened.Installation, want, err)
	}
	return opened
}

// talk exchanges a message each way.
func talk(a, b *device) {
	a.t.Helper()
	for _, pair := range [][2]*device{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		pass(to, from, to.mustOpen(from, from.seal(to, "hello"), "hello").Outgoing)
	}
}

// pass opens what is to be published from one to the other, and what follows from it.
func pass(from, to *device, out []noisepeer.Outgoing) {
	from.t.Helper()
	for _, o := range out {
		opened, err := to.open(from, o)
		if err != nil {
			from.t.Fatalf("%s opens of %s: %v", to.id, from.id, err)
		}
		pass(to, from, opened.Outgoing)
	}
}

// run passes frames between two devices until there are none.
func run(from, to *device, frames [][]byte) {
	from.t.Helper()
	for _, f := range frames {
		r := to.mustTake(from, f)
		run(to, from, raw(r.Frames))
		pass(to, from, r.Outgoing)
	}
}

func (d *device) view(other *device) noisepeer.Device {
	v, _ := d.of(other).Device(other.id, d.now)
	return v
}

// restart stores what d knows and reads it back.
func (d *device) restart() {
	d.t.Helper()
	for identity, p := range d.peers {
		stored, err := proto.Marshal(p.Record())
		if err != nil {
			d.t.Fatal(err)
		}
		var r wire.NoisePeerRecord
		if err := proto.Unmarshal(stored, &r); err != nil {
			d.t.Fatal(err)
		}
		read, err := noisepeer.FromRecord(identity, &r)
		if err != nil {
			d.t.Fatal(err)
		}
		if !proto.Equal(read.Record(), p.Record()) {
			d.t.Fatal("a peer came back changed")
		}
		*p = read
	}
}

// copyOf is the knowledge of d as it is now, to be put back.
func (d *device) copyOf() map[key.Public]*noisepeer.Peer {
	all := map[key.Public]*noisepeer.Peer{}
	for identity, p := range d.peers {
		c := *p
		all[identity] = &c
	}
	return all
}

func (d *device) tick(other *device) [][]byte {
	d.t.Helper()
	p, frames, changed, err := d.of(other).Tick(d.self, d.now, d.rand)
	if err != nil {
		d.t.Fatal(err)
	}
	if changed {
		*d.of(other) = p
	}
	return raw(frames)
}
