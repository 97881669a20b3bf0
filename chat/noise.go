package chat

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity/card"
	"libstatus1to1/chat/internal/cards"
	"libstatus1to1/chat/internal/catchup"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/linking"
	"libstatus1to1/chat/internal/noisechat"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// Chats over Noise: package noisechat keeps what is known of people, package noisepeer computes.
// This file has the handshakes: they begin when a message waits for one, or when the user
// chooses Noise, and their frames go out as answers do, in attempts of the outbox. What is
// sealed and opened in the sessions is in noisechat.go.

// newNoise makes the part; the ledger, linking and catch-up must be there.
func (c *Client) newNoise() *noisechat.Chats {
	return noisechat.New(noisechat.Options{
		Ledger: c.ledger, Topics: c.net, Log: c.log, Wake: c.kick,
		Began: func(tx *ledger.Tx, contentTopic string) error {
			return c.catchUp.Began(tx, contentTopic, catchup.Negotiated)
		},
		Known: func(k key.Public) bool {
			_, known := c.people.contacts.get(k)
			return known || c.isSelf(k.Compact())
		},
		ReadSelf: c.noiseSelf, Now: c.now,
	})
}

// noiseSelf reads our side of Noise. The caller holds the engine's lock, and no transaction.
func (c *Client) noiseSelf() (noisepeer.Self, error) {
	a := c.self.Load()
	if a == nil {
		return noisepeer.Self{}, Errorf(CodeNoIdentity, "", "this store holds no identity yet")
	}
	self := linking.Self{Identity: a.self.Identity, Public: a.public, InstallationID: a.self.InstallationID}
	static, certificate, err := c.linking.Key(self, c.now())
	return noisepeer.Self{Static: static, Certificate: certificate}, err
}

// learnNoiseCard takes what a contact card says for Noise: the certificate of its device, and its
// secret, which the issuer keeps for x3dh.KeepSpent. The contact is written to by Noise then if
// the card or the caller says so. The caller holds the engine's lock.
func (t *txn) learnNoiseCard(k key.Public, add *addingCard) error {
	before, id := t.c.noise.Peer(k), add.its.Secret.ID()
	device := add.its.Certificate.InstallationID
	next, err := before.LearnCertificate(add.its.Certificate, add.now)
	if err == nil {
		next, err = next.LearnSecret(device, noisepeer.SecretID{Kind: noisepeer.CardSecret, ID: string(id[:])},
			add.its.Secret.PSK(), add.its.Issued.Add(x3dh.KeepSpent), add.now)
	}
	if err != nil {
		return Errorf(CodeTooMany, "card", "no more devices of this person can be known").Because(err)
	}
	if err := t.c.noise.Save(t.Tx, before, next); err != nil {
		return err
	}
	chosen := add.choice.KeyExchange
	if chosen == "" && !add.noise() {
		return nil
	}
	rec, err := contactRecord(t, k)
	if err != nil {
		return err
	}
	by, cause := KeyExchangeNoise, exchangeByCard
	if chosen != "" {
		by, cause, rec.KeyExchangeChosen = chosen, exchangeChosen, true
	}
	if rec.GetKeyExchangeChosen() && chosen == "" { // a card does not overrule the user
		by = exchangeOf(rec).name()
	}
	err = t.setKeyExchange(k, rec, by, cause)
	add.contact = contactOf(rec)
	return err
}

// noiseDevices are the installations that messages to somebody go to by Noise: those that
// messages go to at all, or, if no bundle of theirs is known, those that have a session or a
// certificate.
func noiseDevices(p session.Peer, n noisepeer.Peer, now time.Time) []string {
	if active := installationIDs(p.Active()); len(active) > 0 || len(p.Installations) > 0 {
		return active
	}
	var ids []string
	for _, d := range n.Devices(now) {
		ids = append(ids, d.Installation)
	}
	return ids[:min(len(ids), session.MaxInstallations)]
}

// noiseRecipient completes what the outbox is told of somebody who is written to by Noise, and
// has missing sessions made. Nothing is held back because nobody answers: a session that the
// other side may have lost, or whose window it may have left, is replaced (noisepeer.Tick), and
// what was not acknowledged is sent again in the new one.
func (c *Client) noiseRecipient(p session.Peer, by exchange, r outbox.Recipient) outbox.Recipient {
	n, now := c.noise.Peer(p.Identity), c.now()
	devices := noiseDevices(p, n, now)
	begin := len(devices) == 0
	var waiting []string
	for _, id := range devices {
		d, _ := n.Device(id, now)
		if !d.Ready {
			waiting = append(waiting, id)
		}
		begin = begin || !d.Ready && !d.Pending
	}
	if begin {
		c.noise.Want(p.Identity)
	}
	if !by.x3dhMeanwhile {
		r.Devices, r.Unanswered, r.Waiting = devices, 0, waiting
		r.Mute = len(waiting) == len(devices)
	}
	return r
}

// beginAgain is the least time between two looks at somebody with whom no handshake could be
// begun.
const beginAgain = time.Minute

// prepareHandshakes makes the envelopes of handshakes that are due, of up to limit people.
func (c *Client) prepareHandshakes(a *account, now time.Time, limit int) (all []outbox.Sealed) {
	people := c.noise.People(now)
	for _, k := range people[:min(len(people), limit)] {
		todo := c.noise.Take(k)
		made, err := c.prepareHandshake(a, k, &todo, now)
		if err != nil {
			c.log.Log("warn", "a handshake could not be made", "error", err.Error())
			c.noise.Later(k, todo, now.Add(beginAgain))
			continue
		}
		all = append(all, made...)
	}
	return all
}

// prepareHandshake makes what is due to one person: their frames in one envelope on their
// partitioned topic, and each payload of a session in its own. What is empty of that is stored
// at once.
func (c *Client) prepareHandshake(a *account, k key.Public, todo *noisechat.Todo, now time.Time) ([]outbox.Sealed, error) {
	before := c.noise.Peer(k)
	next, frames, err := c.advance(k, before, todo, now)
	if err != nil {
		return nil, err
	}
	var all []outbox.Sealed
	for _, o := range todo.Outgoing {
		all = append(all, outbox.Sealed{
			To: k, ContentTopic: o.Topic, Envelopes: [][]byte{o.Payload}, Save: func(*ledger.Tx) error { return nil },
		})
	}
	frames = append(slices.Clone(todo.Frames), frames...)
	if len(frames) == 0 {
		if next.changed {
			err = c.update(func(t *txn) error { return c.noise.Save(t.Tx, before, next.peer) })
		}
		return all, err
	}
	e, err := c.sealFrames(a, k, frames)
	if err != nil {
		return nil, err
	}
	if next.changed {
		e.noise = &noiseStep{before, next.peer}
	}
	return append(all, c.outboxSealed(e)), nil
}

// advanced is the next value of a person, and whether it differs.
type advanced struct {
	peer    noisepeer.Peer
	changed bool
}

// advance does what is due by the clock, and begins the handshakes that are wanted.
func (c *Client) advance(k key.Public, before noisepeer.Peer, todo *noisechat.Todo, now time.Time) (advanced, []noisepeer.Frame, error) {
	self, err := c.noise.Self()
	if err != nil {
		return advanced{}, nil, err
	}
	next, frames, changed, err := before.Tick(self, now, c.rand)
	if err != nil {
		return advanced{}, nil, err
	}
	if !todo.Begin {
		return advanced{next, changed}, frames, nil
	}
	begun, more, err := c.beginHandshakes(k, self, next, now)
	return advanced{begun.peer, changed || begun.changed}, append(frames, more...), err
}

// beginHandshakes begins a handshake with each device of somebody that there is no session
// with. Of somebody of whom no device is known one is asked for.
func (c *Client) beginHandshakes(k key.Public, self noisepeer.Self, n noisepeer.Peer, now time.Time) (advanced, []noisepeer.Frame, error) {
	next := advanced{peer: n}
	p, err := c.peer(k)
	if err != nil {
		return next, nil, err
	}
	devices := noiseDevices(p, n, now)
	if len(devices) == 0 && !c.isSelf(k.Compact()) {
		if w := (answer{peer: k, kind: greet}); c.mayAnswer(w, c.settings.AdvertiseEvery, now) {
			c.sessions.answers.due[w] = true
			c.kick()
		}
	}
	var frames []noisepeer.Frame
	for _, id := range devices {
		d, _ := next.peer.Device(id, now)
		if d.Ready || d.Pending {
			continue
		}
		if psk, found := p.PSK(id); found {
			name := noise.NamePSK(psk)
			secret := noisepeer.SecretID{Kind: noisepeer.SessionSecret, ID: string(name[:])}
			if next.peer, err = next.peer.LearnSecret(id, secret, psk, time.Time{}, now); err != nil {
				return next, nil, err
			}
		}
		begin := next.peer.Begin
		if d.Away { // another device of ours has the session
			begin = next.peer.Renew
		}
		var more []noisepeer.Frame
		if next.peer, more, err = begin(self, id, now, c.rand); err != nil {
			return next, nil, err
		}
		next.changed = true
		frames = append(frames, more...)
	}
	return next, frames, nil
}

// sealFrames seals handshake frames as first messages are: signed, for the identity, on its
// partitioned topic, with our bundle beside them. Whoever gets them knows from whom they are,
// and nobody else that there is a handshake. The clients of others ignore the field.
// Spec: 26/WAKU2-PAYLOAD; 35/WAKU2-NOISE leaves open how the first message travels.
func (c *Client) sealFrames(a *account, k key.Public, frames []noisepeer.Frame) (*sealed, error) {
	bundle, err := c.ownBundle(a)
	if err != nil {
		return nil, err
	}
	p, err := c.peer(k)
	if err != nil {
		return nil, err
	}
	pm := &wire.ProtocolMessage{InstallationId: a.self.InstallationID, Bundles: []*wire.Bundle{bundle}}
	for _, f := range frames {
		pm.NoiseHandshakes = append(pm.NoiseHandshakes, f.Bytes)
	}
	b, err := proto.Marshal(pm)
	if err != nil {
		return nil, err
	}
	e := &sealed{before: p, after: p, stateless: true, contentTopic: topic.Partitioned(k).ContentTopic()}
	return e, c.sealAsymmetric(a, e, k, b)
}

// devicesChanged has handshakes begun with new devices of somebody who is written to by Noise.
func (c *Client) devicesChanged(before, after session.Peer) {
	if c.exchangeWith(after.Identity).noise && !slices.Equal(installationIDs(before.Active()), installationIDs(after.Active())) {
		c.noise.Want(after.Identity)
		c.outbox.Reachable(after.Identity)
	}
}

// noiseStep is a change of what Noise knows of somebody, stored with an envelope.
type noiseStep struct{ before, after noisepeer.Peer }

// noiseSessions lists the Noise sessions with somebody, as the store has them.
func (c *Client) noiseSessions(k key.Public) (list []event.Session, err error) {
	n, err := c.noise.Read(k)
	if err != nil {
		return nil, err
	}
	for _, d := range n.Devices(c.now()) {
		if d.Session != "" || d.Pending {
			list = append(list, noiseSessionOf(k, d))
		}
	}
	return list, nil
}

// noiseSessionOf is the session with a device as hosts see it.
func noiseSessionOf(k key.Public, d noisepeer.Device) event.Session {
	s := event.Session{
		PublicKey: k.Hex(), Installation: d.Installation, KeyExchange: KeyExchangeNoise, ID: d.Session, State: enum.SessionInitiated,
		Sending: d.Ready, Sent: uint32(d.Sent), Received: uint32(d.Received),
	}
	switch {
	case d.Ready && d.Confirmed:
		s.State = enum.SessionEstablished
	case d.Away:
		s.State = enum.SessionHandedOver
	case !d.Ready && !d.Pending:
		s.State = enum.SessionExpired
	}
	if !d.Since.IsZero() {
		s.CreatedAt, s.UsedAt = d.Since.UnixMilli(), max(d.Since.UnixMilli(), d.Heard.UnixMilli())
	}
	return s
}

// HandOverSession gives the Noise sessions with somebody to another device of ours, which can
// write in them at once: they need not shake hands with it, and may be asleep. This device
// still reads what comes in them; to write it makes sessions of its own. Returned are the
// sessions that were given away. A hand-over that is lost is made up for by a handshake.
// Errors: CodeNoIdentity, CodeSelf, CodeNotFound when we have no such device or it is not enabled,
// CodeWrongState when there is no Noise session with the person or with the device.
// Spec: 37/WAKU2-NOISE-SESSIONS, "The N11M session management mechanism".
func (c *Client) HandOverSession(k key.Public, installation string) (list []event.Session, err error) {
	a, err := c.account()
	if err != nil {
		return nil, err
	}
	if k == a.public {
		return nil, Errorf(CodeSelf, "key", "this is the identity itself")
	}
	err = c.exclusive(func(turn *ledger.Turn) error {
		self, err := c.noiseSelf()
		if err != nil {
			return err
		}
		if enabled, err := c.ownEnabled(installation); err != nil || !enabled {
			return cmp.Or(err, error(Errorf(CodeNotFound, "installation_id", "this identity has no such device that is enabled")))
		}
		own, with := c.noise.Peer(a.public), c.noise.Peer(k)
		nextOwn, nextWith := own, with
		var payloads []noisepeer.Outgoing
		for _, d := range with.Devices(turn.Now) {
			next, h, err := nextWith.HandOver(d.Installation, turn.Now)
			if err != nil {
				continue // it has no session that could be given away
			}
			sealed, o, err := nextOwn.SealHandover(self, h, installation, turn.Now, c.rand)
			if errors.Is(err, noisepeer.ErrNoSession) {
				return Errorf(CodeWrongState, "installation_id", "there is no Noise session with this device of ours")
			}
			if err != nil {
				return err
			}
			nextOwn, nextWith, payloads = sealed, next, append(payloads, o)
			given, _ := next.Device(d.Installation, turn.Now)
			list = append(list, noiseSessionOf(k, given))
		}
		if len(payloads) == 0 {
			return Errorf(CodeWrongState, "key", "there is no Noise session with this person")
		}
		return c.update(func(t *txn) error {
			t.After(func() { c.noise.Queue(a.public, nil, payloads) })
			if err := c.noise.Save(t.Tx, own, nextOwn); err != nil {
				return err
			}
			return c.noise.Save(t.Tx, with, nextWith)
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// ownEnabled reports whether an installation is another device of ours that is enabled. The
// caller holds the engine's lock.
func (c *Client) ownEnabled(installation string) (bool, error) {
	own, err := c.peer(c.self.Load().public)
	if err != nil {
		return false, err
	}
	in, found := own.Find(installation)
	return found && !in.Disabled, nil
}

// adopt takes a session with somebody that another device of ours has handed over: one that
// the user has enabled here.
func (p *pass) adopt(opened noisepeer.Opened) error {
	enabled, err := p.c.ownEnabled(opened.Installation)
	if err != nil {
		return err
	}
	if !enabled {
		return dropped("not_enabled")
	}
	self, err := p.c.noiseSelf()
	if err != nil {
		return err
	}
	before := p.noisePeer(opened.HandedFor().Identity)
	if !p.c.noise.Room(before.Identity, 0) {
		return dropped("strangers_full")
	}
	next, err := before.Adopt(self, opened, p.now)
	if err != nil {
		return dropped("handover")
	}
	p.setNoise(before, next)
	p.do(func(t *txn) error {
		t.After(func() { t.c.outbox.Reachable(before.Identity) })
		return nil
	})
	return nil
}

// cardSecret is the secret of a card of ours by its id.
func (c *Client) cardSecret(id string) (psk key.Secret, found bool) {
	err := c.ledger.View(func(tx Tx) (err error) {
		psk, found, err = cards.Secret(tx, card.SecretID([]byte(id)), c.now())
		return err
	})
	return psk, found && err == nil
}
