package chat

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Introducing ourselves: a CHAT_IDENTITY, our profile, goes ahead of a message to somebody
// who has not been sent it as it is now. It goes without MVDS, so nobody acknowledges it
// and it may be lost: so it is repeated once a day.
// Spec: 62/STATUS-PAYLOADS leaves it out; deployed.

// introduceAgain is after how long a profile is repeated before a message: the
// deployed figure.
const introduceAgain = 24 * time.Hour

// introduction is our profile as it goes to somebody ahead of a message.
type introduction struct {
	record      *wire.IntroducedRecord // what they have been sent then
	application []byte
}

// introduce returns our profile for somebody who is about to get a message, nil if they have
// it. Contacts of ours get it with our picture. The caller holds the engine's lock.
func (c *Client) introduce(a *account, to key.Public, now time.Time) (*introduction, error) {
	s, _ := c.people.contacts.get(to)
	if s.blocked || to == a.public {
		return nil, nil
	}
	withPicture := a.picture != nil && s.request.Added()
	ci := a.chatIdentity(withPicture)
	if ci == nil {
		return nil, nil
	}
	told, err := c.lastIntroduction(to)
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

// introductions remembers what people were sent of our profile. It holds the part of
// tableIntroduced that was used last.
type introductions struct {
	last   *lru.Cache[key.Public, *wire.IntroducedRecord]
	signed signedProfile
}

// newIntroductions returns the memory of a client that has sent its profile to nobody.
func newIntroductions() introductions {
	last, _ := lru.New[key.Public, *wire.IntroducedRecord](peersInMemory) // fails only for a size below 1
	return introductions{last: last}
}

// signedProfile is a CHAT_IDENTITY as it was signed last for an account: everybody
// gets the same.
type signedProfile struct {
	account     *account
	withPicture bool
	application []byte
}

// signedProfile returns our profile as a signed application message.
func (c *Client) signedProfile(a *account, ci *wire.ChatIdentity, withPicture bool) ([]byte, error) {
	if last := c.people.introductions.signed; last.account == a && last.withPicture == withPicture {
		return last.application, nil
	}
	encoded, err := message.Encode(ci)
	if err != nil {
		return nil, err
	}
	application, err := message.Wrap(a.self.Identity, wire.ApplicationMetadataMessage_CHAT_IDENTITY, encoded)
	if err == nil {
		c.people.introductions.signed = signedProfile{a, withPicture, application}
	}
	return application, err
}

// lastIntroduction returns what somebody was sent of our profile last.
func (c *Client) lastIntroduction(k key.Public) (*wire.IntroducedRecord, error) {
	if told, ok := c.people.introductions.last.Get(k); ok {
		return told, nil
	}
	told := &wire.IntroducedRecord{}
	_, err := c.record(tableIntroduced, k.Compressed(), told)
	if err == nil {
		c.people.introductions.last.Add(k, told)
	}
	return told, err
}

// storeIntroduction stores, with an envelope that introduces us to somebody, what they are
// sent by it. Our profile goes as an application message without MVDS around it: it is
// neither acknowledged nor sent again.
func (t *txn) storeIntroduction(e *sealed) error {
	if e.introduces == nil {
		return nil
	}
	to := e.before.Identity
	t.then(func() { t.c.people.introductions.last.Add(to, e.introduces) })
	return put(t, tableIntroduced, to.Compressed(), e.introduces)
}

// introduced looks whether what people were sent of our profile belongs to somebody.
func (in *inspection) introduced() error {
	return in.each(tableIntroduced, func(name, value []byte) error {
		var rec wire.IntroducedRecord
		if err := decodeRecord(tableIntroduced, value, &rec); err != nil {
			return err
		}
		if _, ok := key.ParseCompact(name); !ok {
			in.tell(tableIntroduced, "a record is of nobody")
		}
		return nil
	})
}
