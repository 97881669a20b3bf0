package chat

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// Introducing ourselves: a CHAT_IDENTITY goes, bare, before the first message to
// somebody, after our profile has changed, and once in a while, because nobody
// acknowledges it.

// introduceAgain is after how long a profile is repeated before a message: the
// deployed figure.
const introduceAgain = 24 * time.Hour

// encryptAll is what goes out to p now: our profile, if they do not have it and there
// is a message to follow, then rows and acknowledgements.
func (c *Client) encryptAll(a *account, p session.Peer, rows []outboxRow, now time.Time) (attempts []*attempt, err error) {
	if len(rows) > 0 {
		hello, err := c.introduction(a, p, now)
		if err != nil {
			return nil, err
		}
		if hello != nil {
			attempts, p = append(attempts, hello), hello.after
		}
	}
	at, err := c.encryptFor(a, p, rows, c.acksFor(p), now)
	return append(attempts, at), err
}

// introduction is the attempt that introduces us to p, or nil when there is nothing
// to say. It begins where p is, so the message after it must begin where it ends.
func (c *Client) introduction(a *account, p session.Peer, now time.Time) (*attempt, error) {
	s, _ := c.roster.get(p.Identity)
	if s.blocked || p.Identity == a.public {
		return nil, nil
	}
	withPicture := a.picture != nil && s.request.Added()
	ci := a.chatIdentity(withPicture)
	if ci == nil {
		return nil, nil
	}
	told, err := c.toldTo(p.Identity)
	if err != nil {
		return nil, err
	}
	fresh := within(introduceAgain, told.GetAt(), now)
	if told.GetProfileClock() == ci.GetClock() && fresh && (told.GetPicture() || !withPicture) {
		return nil, nil
	}
	encoded, err := message.Encode(ci)
	if err != nil {
		return nil, err
	}
	application, err := message.Wrap(a.self.Identity, wire.ApplicationMetadataMessage_CHAT_IDENTITY, encoded)
	if err != nil {
		return nil, err
	}
	at, err := c.encryptBare(a, p, application, now)
	if err != nil {
		return nil, err
	}
	at.introduces = &wire.IntroducedRecord{ProfileClock: ci.GetClock(), At: now.UnixMilli(), Picture: withPicture}
	return at, nil
}

// toldTo is what of our profile somebody was told last.
func (c *Client) toldTo(k key.Public) (*wire.IntroducedRecord, error) {
	if c.loop.introduced == nil {
		c.loop.introduced, _ = lru.New[key.Public, *wire.IntroducedRecord](peersInMemory) // fails only for a size below 1
	}
	if told, ok := c.loop.introduced.Get(k); ok {
		return told, nil
	}
	told := &wire.IntroducedRecord{}
	_, err := c.record(tableIntroduced, k.Compressed(), told)
	if err == nil {
		c.loop.introduced.Add(k, told)
	}
	return told, err
}

// encryptBare encrypts an application message without MVDS around it: nobody
// acknowledges it, and it is not sent again.
func (c *Client) encryptBare(a *account, p session.Peer, application []byte, now time.Time) (*attempt, error) {
	at := &attempt{peer: p.Identity, before: p}
	next, out, err := p.Encrypt(a.self, application, nil, now, c.source())
	if err != nil {
		return nil, err
	}
	at.after, at.started = next, out.Started
	pm, err := c.protocolMessage(a, out.Messages, nil)
	if err != nil {
		return nil, err
	}
	return at, c.seal(a, at, pm, out.Negotiated)
}

// storeIntroduction notes with an attempt whom it introduces us to.
func (t *txn) storeIntroduction(at *attempt) error {
	if at.introduces == nil {
		return nil
	}
	t.then(func() { t.c.loop.introduced.Add(at.peer, at.introduces) })
	return put(t, tableIntroduced, at.peer.Compressed(), at.introduces)
}
