package chat

import (
	"crypto/rand"
	"io"
	"time"

	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// parcel is what goes to one person in one round: our profile, if they do not have it,
// then messages and acknowledgements.
type parcel struct {
	to    session.Peer
	hello *introduction // nil: they know us
	rows  []outboxRow
	acks  [][32]byte
}

// encryptParcels encrypts and seals on all cores: the largest part of sending to
// several people or devices. A source of randomness that was given to the client is
// read in order instead, so that a seeded run repeats itself. What cannot be encrypted
// is put off.
func (c *Client) encryptParcels(a *account, parcels []*parcel, now time.Time) (attempts []*attempt) {
	if len(parcels) == 0 {
		return nil
	}
	made, failures := make([][]*attempt, len(parcels)), make([]error, len(parcels))
	bundle, err := c.ownBundle(a)
	encrypt := func(i int) {
		if failures[i] = err; err == nil {
			made[i], failures[i] = c.encryptParcel(a, bundle, parcels[i], now)
		}
	}
	if c.rand == io.Reader(rand.Reader) {
		parallel.Do(len(parcels), encrypt)
	} else {
		for i := range parcels {
			encrypt(i)
		}
	}
	for i, p := range parcels {
		if failures[i] != nil {
			c.postpone(p.to.Identity, p.rows, "encrypting failed", failures[i])
			continue
		}
		attempts = append(attempts, made[i]...)
	}
	return attempts
}

// encryptParcel changes nothing: it runs on several goroutines.
func (c *Client) encryptParcel(a *account, bundle *wire.Bundle, p *parcel, now time.Time) (attempts []*attempt, err error) {
	peer := p.to
	shared, known, err := c.negotiatedRoute(a, peer.Identity)
	if err != nil {
		return nil, err
	}
	with := enclosed{bundle, shared}
	if p.hello != nil {
		hello, err := c.encryptBare(a, with, peer, p.hello.application, now)
		if err != nil {
			return nil, err
		}
		hello.introduces = p.hello.record
		attempts, peer = append(attempts, hello), hello.after
	}
	at, err := c.encryptFor(a, with, peer, p.rows, p.acks, now)
	if err == nil && !known {
		at.newTopic = &shared
	}
	return append(attempts, at), err
}

// enclosed is what sealing for a person takes beside the ciphertext: our bundle, and
// the route shared with them.
type enclosed struct {
	bundle *wire.Bundle
	shared route
}

// seal puts what the sessions encrypted into the payload of the negotiated topic, once
// all devices listen there, or of the partitioned one.
// Spec: 26/WAKU2-PAYLOAD; 54, "Negotiated topic to be used for the session".
func (c *Client) seal(a *account, at *attempt, with enclosed, out session.Outgoing) error {
	pm, err := protocolMessage(a, with.bundle, out.Messages, nil)
	if err != nil {
		return err
	}
	if out.Negotiated {
		at.contentTopic = with.shared.contentTopic
		at.payload, err = payload.SealSymmetric(c.rand, with.shared.sym, a.self.Identity, pm)
		return err
	}
	at.contentTopic = topic.Partitioned(at.peer).ContentTopic()
	at.payload, err = payload.SealAsymmetric(c.rand, at.peer, a.self.Identity, pm)
	return err
}
