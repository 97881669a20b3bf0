package chat

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Introducing ourselves: a CHAT_IDENTITY goes, bare, before the first message to
// somebody, after our profile has changed, and once in a while, because nobody
// acknowledges it.

// introduceAgain is after how long a profile is repeated before a message: the
// deployed figure.
const introduceAgain = 24 * time.Hour

// introduction is our profile as it goes to somebody ahead of a message.
type introduction struct {
	record      *wire.IntroducedRecord // what they have been told then
	application []byte
}

// introduce gives our profile for somebody who is about to get a message, nil if they have
// it. In the loop.
func (c *Client) introduce(a *account, to key.Public, now time.Time) (*introduction, error) {
	s, _ := c.roster.get(to)
	if s.blocked || to == a.public {
		return nil, nil
	}
	withPicture := a.picture != nil && s.request.Added()
	ci := a.chatIdentity(withPicture)
	if ci == nil {
		return nil, nil
	}
	told, err := c.toldTo(to)
	if err != nil {
		return nil, err
	}
	fresh := within(introduceAgain, told.GetAt(), now)
	if told.GetProfileClock() == ci.GetClock() && fresh && (told.GetPicture() || !withPicture) {
		return nil, nil
	}
	application, err := c.signedProfile(a, ci, withPicture)
	if err != nil {
		return nil, err
	}
	return &introduction{&wire.IntroducedRecord{ProfileClock: ci.GetClock(), At: now.UnixMilli(), Picture: withPicture}, application}, nil
}

// signedProfile is a CHAT_IDENTITY as it was signed last for an account: everybody
// gets the same.
type signedProfile struct {
	account     *account
	withPicture bool
	application []byte
}

func (c *Client) signedProfile(a *account, ci *wire.ChatIdentity, withPicture bool) ([]byte, error) {
	if last := c.loop.profile; last.account == a && last.withPicture == withPicture {
		return last.application, nil
	}
	encoded, err := message.Encode(ci)
	if err != nil {
		return nil, err
	}
	application, err := message.Wrap(a.self.Identity, wire.ApplicationMetadataMessage_CHAT_IDENTITY, encoded)
	if err == nil {
		c.loop.profile = signedProfile{a, withPicture, application}
	}
	return application, err
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

// storeIntroduction notes with an envelope whom it introduces us to. Our profile goes as an
// application message without MVDS around it: nobody acknowledges it, and it is not sent
// again.
func (t *txn) storeIntroduction(e *sealed) error {
	if e.introduces == nil {
		return nil
	}
	to := e.before.Identity
	t.then(func() { t.c.loop.introduced.Add(to, e.introduces) })
	return put(t, tableIntroduced, to.Compressed(), e.introduces)
}
