package chat

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/identity/card"
	"libstatus1to1/chat/internal/cards"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// Contact cards: package card reads and writes them, and package cards remembers which
// were issued and which were added. Here they meet what is known of people.
//
// Whoever adds a card knows the pre-keys of a person before their first message. So it
// goes by X3DH, and nothing is fetched for it: no contact code is asked for, and no message
// goes out that any device may read ("none" of 53).
// Spec: 55/STATUS-1TO1-CHAT, "Negotiation of a 1:1 chat amongst multiple participants".

const (
	// DefaultCardLife is the life of a card that is shown or sent to somebody.
	DefaultCardLife = 7 * 24 * time.Hour
	// MinCardLife is enough to hold one telephone before another.
	MinCardLife = time.Minute
	// MaxCardLife: see there.
	MaxCardLife = card.MaxLife
)

// CardRequest are the arguments of IssueCard.
type CardRequest struct {
	Anonymous bool          // leave the display name out
	Life      time.Duration // 0: DefaultCardLife
	Noise     bool          // whoever adds the card is to talk over Noise with us
}

// IssuedCard is a contact card of ours in its forms.
type IssuedCard struct {
	// Card is the text for a QR code. It has only characters of the alphanumeric mode of QR
	// codes.
	Card string
	Link string // a Status link with the card in it, which the Status app can read
	// Short is the Status link with the key alone: for print, since it never expires.
	Short     string
	ExpiresAt int64 // ms
	Bytes     int   // the size of the card in binary
}

// IssueCard makes a contact card of this device. Each has a secret of its own, which is
// kept for 30 days. Errors: CodeNoIdentity, CodeBadParams, and CodeWrongState when another
// device of the identity has removed this one, or the clock is decades wrong.
func (c *Client) IssueCard(r CardRequest) (IssuedCard, error) {
	if r.Life == 0 {
		r.Life = DefaultCardLife
	}
	if r.Life < MinCardLife || r.Life > MaxCardLife {
		return IssuedCard{}, Errorf(CodeBadParams, "life", "a card is valid for %s to %s", MinCardLife, MaxCardLife)
	}
	return inTurn(c, func(t *ledger.Turn) (IssuedCard, error) {
		a, err := c.account()
		if err != nil {
			return IssuedCard{}, err
		}
		if a.dropped {
			return IssuedCard{}, Errorf(CodeWrongState, "", "another device of this identity has removed this one").With("state", "removed")
		}
		its, err := c.ownCard(t, a, r)
		if err != nil {
			return IssuedCard{}, err
		}
		b, err := its.Sign(a.self.Identity)
		if err != nil { // all that a card says of us fits, so it is the time
			return IssuedCard{}, Errorf(CodeWrongState, "", "the clock shows a time that no card can carry").With("state", "clock").Because(err)
		}
		if err := c.update(func(tx *txn) error { return cards.Issue(tx.Tx, its.Secret, t.Now) }); err != nil {
			return IssuedCard{}, err
		}
		return IssuedCard{
			Card: card.Text(b), Link: card.Link(b), Short: identity.FormatLink(a.public),
			ExpiresAt: its.Expires.UnixMilli(), Bytes: len(b),
		}, nil
	})
}

// ownCard returns the current card of this device.
func (c *Client) ownCard(t *ledger.Turn, a *account, r CardRequest) (card.Card, error) {
	current, ok := a.self.PreKeys.Current()
	if !ok {
		return card.Card{}, Errorf(CodeStoreCorrupt, "", "there is no current pre-key")
	}
	_, certificate, err := c.linking.StaticKey(t, linkingSelf(a), t.Now)
	if err != nil {
		return card.Card{}, err
	}
	secret, err := card.NewSecret(c.rand)
	if err != nil {
		return card.Card{}, err
	}
	issued := t.Now.Truncate(time.Second)
	its := card.Card{
		Identity: a.public, Device: current.Signed(a.self.InstallationID), Others: a.others,
		Certificate: certificate, Secret: secret, Noise: r.Noise, Issued: issued, Expires: issued.Add(r.Life),
	}
	if !r.Anonymous {
		its.DisplayName = a.displayName
	}
	return its, nil
}

// CardChoice are the arguments of AddCard beside the card.
type CardChoice struct {
	Name string // the name we give this person; "" leaves it as it is
	// Unverified: the card came by a way that others could have used, such as a public page.
	// The person is added, but not verified.
	Unverified bool
	// KeyExchange is "x3dh" or "noise"; "" leaves it to the card.
	KeyExchange KeyExchange
}

// AddedCard is the result of adding a card.
type AddedCard struct {
	Contact event.Contact
	// Devices are the devices of the person that are written to by their pre-key in the
	// card. There are none if newer ones were known.
	Devices []string
	// Noise: the person is talked to over Noise.
	Noise     bool
	ExpiresAt int64 // of the card, ms
}

// AddCard adds the person whose contact card it is to the address book, makes them
// verified, and learns the pre-keys in it, unless newer ones are known. Nothing is sent or
// fetched. Errors: CodeNoIdentity, CodeBadCard, CodeBlocked, CodeEmpty, CodeTooLong,
// CodeBadParams, CodeTooMany.
func (c *Client) AddCard(text string, choice CardChoice) (AddedCard, error) {
	a, err := c.account()
	if err != nil {
		return AddedCard{}, err
	}
	if choice.Name, err = cleanName("name", choice.Name, MaxName); err != nil {
		return AddedCard{}, err
	}
	if !slices.Contains([]KeyExchange{"", KeyExchangeX3DH, KeyExchangeNoise}, choice.KeyExchange) {
		return AddedCard{}, Errorf(CodeBadParams, "key_exchange", "must be %q or %q", KeyExchangeX3DH, KeyExchangeNoise)
	}
	its, err := cards.Read(text, a.public, c.now())
	if err != nil {
		return AddedCard{}, err
	}
	routes, err := c.contactRoutes(a, its.Identity)
	if err != nil {
		return AddedCard{}, err
	}
	return inTurn(c, func(turn *ledger.Turn) (AddedCard, error) {
		if err := c.checkOpen(); err != nil { // it may have been closed meanwhile
			return AddedCard{}, err
		}
		add := &addingCard{its: its, choice: choice, routes: routes, now: turn.Now}
		if add.clock, err = c.ownClock(a, turn.Now, 0); err != nil {
			return AddedCard{}, err
		}
		if add.before, err = c.peer(its.Identity); err != nil {
			return AddedCard{}, err
		}
		add.after = add.before.Learn(a.self, its.Bundle(), turn.Now)
		if err := c.update(add.store); err != nil {
			return AddedCard{}, err
		}
		c.kick() // messages may have waited for the pre-keys
		return AddedCard{Contact: add.contact, Devices: add.learned(), Noise: add.contact.KeyExchange == KeyExchangeNoise, ExpiresAt: its.Expires.UnixMilli()}, nil
	})
}

// addingCard is a card on its way into the store, with all that follows from it.
type addingCard struct {
	its           card.Card
	choice        CardChoice
	routes        []route
	now           time.Time
	clock         uint64
	before, after session.Peer

	contact event.Contact
}

// noise reports whether the person is to be talked to over Noise.
func (add *addingCard) noise() bool {
	return add.choice.KeyExchange == KeyExchangeNoise || add.choice.KeyExchange == "" && add.its.Noise
}

// learned lists the devices that are written to by the pre-keys of the card.
func (add *addingCard) learned() []string {
	ids := []string{}
	for _, spk := range add.its.Bundle().SignedPreKeys {
		if in, ok := add.after.Find(spk.InstallationID); ok && in.PreKey == spk.Key && !in.Disabled {
			ids = append(ids, spk.InstallationID)
		}
	}
	return ids
}

// store does all of it in one transaction.
func (add *addingCard) store(t *txn) error {
	k := add.its.Identity
	if rec, err := contactRecord(t, k); err != nil {
		return err
	} else if err := notBlocked(rec, "card"); err != nil {
		return err
	}
	if err := cards.Add(t.Tx, add.its, add.now); err != nil {
		return err
	}
	if err := add.listen(t); err != nil {
		return err
	}
	if err := t.savePeer(add.before, add.after); err != nil {
		return err
	}
	if err := t.changeOwn(k, add.clock, add.change); err != nil {
		return err
	}
	rec, err := contactRecord(t, k)
	if err != nil {
		return err
	}
	add.contact = contactOf(rec)
	return t.learnNoiseCard(k, add)
}

// listen begins to listen to the topics of the person. Store nodes are not asked for what
// was published there before. But a topic that we listen to already is not begun afresh:
// something of it may not have been fetched yet. It may be that of another person, since
// topics are named by a few bytes of a hash.
func (add *addingCard) listen(t *txn) error {
	for _, r := range add.routes {
		if len(t.c.routes.on(r.contentTopic())) == 0 {
			if err := t.c.catchUp.BeganAfresh(t.Tx, r.contentTopic()); err != nil {
				return err
			}
		}
		if err := r.put(t); err != nil {
			return err
		}
	}
	t.After(func() { t.c.listen(add.routes...) })
	return nil
}

// change applies the card to the record of the person, and reports whether that says
// something new.
func (add *addingCard) change(rec *wire.ContactRecord) bool {
	before := proto.CloneOf(rec)
	if !rec.GetAdded() {
		rec.Added, rec.AddedAt = true, add.now.UnixMilli()
	}
	if add.choice.Name != "" {
		rec.Name = add.choice.Name
	}
	if rec.GetDisplayName() == "" { // a profile that they have sent is newer, or will come
		rec.DisplayName = text.Shown(add.its.DisplayName, MaxName, text.Name)
	}
	if !add.choice.Unverified && rec.GetVerifiedAt() == 0 {
		rec.VerifiedBy, rec.VerifiedAt = contact.ByCard, add.now.UnixMilli()
	}
	return !proto.Equal(before, rec)
}
