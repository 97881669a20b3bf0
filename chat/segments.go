package chat

import (
	"crypto/sha256"
	"errors"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/segments"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/segment"
	"libstatus1to1/chat/protocol/session"
)

// Large messages: what is too large for an envelope goes as segments in one envelope each
// (package segment). Here they are made, and find their way through the receiving pipeline;
// package segments keeps those that have come.

// newSegments makes the part; the ledger must be open.
func (c *Client) newSegments() *segments.Segments {
	return segments.New(segments.Options{
		Ledger: c.ledger, Log: c.log,
		Stranger: func(who key.Compact) bool {
			s, _ := c.people.contacts.of(who)
			return !c.isSelf(who) && !s.familiar() // also if they are blocked: the bounds are the same
		},
	})
}

// segmentSize returns the size of a segment: three quarters of what an envelope carries, as
// deployed. What is not larger is not split.
func (c *Client) segmentSize() int { return c.net.MaxPayload() / 4 * 3 }

// inEnvelopes seals a ProtocolMessage into e: in one envelope, or its segments in one each.
func (c *Client) inEnvelopes(e *sealed, pm []byte, seal func([]byte) ([]byte, error)) error {
	size := c.segmentSize()
	if len(pm) <= size {
		b, err := seal(pm)
		e.envelopes = [][]byte{b}
		return err
	}
	all, err := segment.Split(pm, size)
	if err != nil {
		return Errorf(CodeTooLarge, "", "a message does not fit into segments").Because(err)
	}
	e.segmented = setDigest(all[0].Hash, c.self.Load().public)
	e.envelopes = make([][]byte, len(all))
	for i, s := range all {
		b, err := s.Encode()
		if err == nil {
			e.envelopes[i], err = seal(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setDigest names the set of segments of a message in the marks of what was seen, as digest
// names what comes in one envelope.
func setDigest(hash [32]byte, sender key.Public) [32]byte {
	return sha256.Sum256(append(append(sender.Compressed(), "segments"...), hash[:]...))
}

// rememberSegments marks the segments that we are going to send: a store node gives them
// back to us, and they must not be put together. Those of a Noise session do not open here.
func (t *txn) rememberSegments(e *sealed) error {
	if e.segmented == [32]byte{} {
		return nil
	}
	return t.remember(t.c.self.Load().public, seenDigest, e.segmented, nil)
}

// segment takes a segment. If that makes a message whole, the message goes on as if it had
// come in one envelope. So does a message of somebody blocked, since it must be acknowledged
// like those of others.
func (p *pass) segment(m *inbound) error {
	whole, err := p.joinSegments(m)
	if errors.Is(err, segments.ErrLater) {
		p.later = append(p.later, m.envelope)
		return nil
	}
	if err != nil || whole == nil {
		return err
	}
	m.segment, m.set = nil, m.digest
	if err := p.parse(m, whole); err != nil {
		return err
	}
	if done, err := p.seenBefore(m); done || err != nil {
		return err
	}
	return p.open(m)
}

// joinSegments takes a segment, and returns the whole if that completes it. With
// segments.ErrLater it is to be taken in a later transaction.
func (p *pass) joinSegments(m *inbound) (whole []byte, err error) {
	if p.segments == nil {
		p.segments = p.c.segments.Begin()
		p.do(func(t *txn) error { return p.segments.Store(t.Tx) })
	}
	whole, set, err := p.segments.Accept(m.sender.Compact(), *m.segment, p.now)
	switch {
	case errors.Is(err, segments.ErrLater), ledger.Passing(err):
		return nil, err
	case errors.Is(err, segments.ErrDuplicate):
		return nil, dropped("duplicate")
	case errors.Is(err, segments.ErrFull):
		return nil, dropped("segments_full")
	case err != nil:
		return nil, dropped("segment")
	}
	p.progress(m, set)
	return whole, nil
}

// parse decodes a ProtocolMessage.
func (p *pass) parse(m *inbound, b []byte) (err error) {
	if m.message, err = session.ParseMessage(b); err != nil {
		return dropped("protocol")
	}
	if m.sender == p.a.public && m.message.GetInstallationId() == p.a.self.InstallationID {
		return dropped("own")
	}
	m.digest = digest(b, m.sender)
	return nil
}

// progress tells programs how much of a large message has come. Messages of strangers and of
// our own other devices are not reported.
func (p *pass) progress(m *inbound, set segment.Set) {
	s, known := p.c.people.contacts.get(m.sender)
	if m.sender == p.a.public || !known || s.stranger() || m.silent {
		return
	}
	done, total := set.Received()
	e := event.MessageProgress{ChatID: m.sender.Hex(), TransferID: event.Hex(m.segment.Hash[:]), Done: done, Total: total}
	p.do(func(t *txn) error {
		t.After(func() { t.c.ledger.Events.PushProgress(done-1, e, p.now.UnixMilli()) })
		return nil
	})
}
