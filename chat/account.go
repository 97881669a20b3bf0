package chat

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/linking"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// account is our identity and what belongs to it. Readers get it from an atomic pointer
// without a lock, so it is replaced and never changed.
type account struct {
	self        session.Self
	public      key.Public
	displayName string
	createdAt   int64
	phrase      string
	deviceName  string
	// others are the pre-keys of our other active installations, for our bundle;
	// dropped says that one of them does not list this installation any more.
	others  []x3dh.SignedPreKey
	dropped bool

	bio          string
	colour       uint32 // one more than its number; 0: none chosen
	picture      *wire.PictureRecord
	profileClock uint64
	// clocks say when the user chose each part of the profile, on any device: agree.go.
	clocks profileClocks
	// keyUID is what the Status app calls the account; "" if it has not said so.
	keyUID string
}

// profileClocks are the clocks of the registers of the profile; 0: as it was set up.
type profileClocks struct{ name, bio, colour, picture uint64 }

func (p profileClocks) latest() uint64 { return max(p.name, p.bio, p.colour, p.picture) }

// info returns the identity as hosts see it.
func (a *account) info() IdentityInfo {
	return IdentityInfo{
		PublicKey: a.public.Hex(), ChatKey: identity.FormatChatKey(a.public),
		DisplayName: a.displayName, InstallationID: a.self.InstallationID, CreatedAt: a.createdAt,
	}
}

// record returns the identity as it is stored; pre-keys and other devices have records of
// their own.
func (a *account) record() *wire.IdentityRecord {
	return &wire.IdentityRecord{
		PrivateKey: a.self.Identity.Bytes(), InstallationId: a.self.InstallationID,
		DisplayName: a.displayName, CreatedAt: a.createdAt, Phrase: a.phrase,
		DeviceName: a.deviceName,
		Bio:        a.bio, Colour: a.colour, Picture: a.picture, ProfileClock: a.profileClock,
		DisplayNameClock: a.clocks.name, BioClock: a.clocks.bio, ColourClock: a.clocks.colour, PictureClock: a.clocks.picture,
		KeyUid: a.keyUID,
	}
}

// identityState is the identity of the running client: nil before there is one. It is
// replaced with the engine's lock held, and read without.
type identityState struct {
	atomic.Pointer[account]
	// becoming is held while an identity is made, so that only one is.
	becoming sync.Mutex
	// adopted is the identity of an archive whose people are still to be merged; the client
	// begins to work as it then (backup.go). becoming guards it.
	adopted *account
	// provisional stands in for the identity of a device that is paired before it has one;
	// nil otherwise.
	provisional atomic.Pointer[linking.Self]
}

// account returns our identity, or CodeNoIdentity.
func (c *Client) account() (*account, error) {
	if err := c.checkOpen(); err != nil {
		return nil, err
	}
	a := c.self.Load()
	if a == nil {
		return nil, Errorf(CodeNoIdentity, "", "this store holds no identity yet")
	}
	return a, nil
}

// isSelf reports whether a key is that of our own identity.
func (c *Client) isSelf(who key.Compact) bool {
	a := c.self.Load()
	return a != nil && a.public.Compact() == who
}

// Identity describes our identity.
func (c *Client) Identity() (IdentityInfo, error) {
	a, err := c.account()
	if err != nil {
		return IdentityInfo{}, err
	}
	return a.info(), nil
}

// CreateIdentity makes a new identity from a new English seed phrase of words words
// and returns the phrase. Spec: 2/ACCOUNT.
func (c *Client) CreateIdentity(ctx context.Context, words int, displayName string) (IdentityInfo, identity.Phrase, error) {
	return c.CreateIdentityIn(ctx, words, identity.English, displayName)
}

// CreateIdentityIn is CreateIdentity with a phrase in another language of BIP39.
func (c *Client) CreateIdentityIn(ctx context.Context, words int, language identity.Language, displayName string) (IdentityInfo, identity.Phrase, error) {
	phrase, err := identity.NewPhraseIn(c.rand, words, language)
	switch {
	case errors.Is(err, identity.ErrPhraseWords):
		err = Errorf(CodeBadParams, "words", "a phrase has 12, 15, 18, 21 or 24 words")
	case errors.Is(err, identity.ErrPhraseLanguage):
		err = Errorf(CodeBadParams, "language", "there is no word list of this language").With("languages", identity.Languages())
	}
	if err != nil {
		return IdentityInfo{}, identity.Phrase{}, err
	}
	info, err := c.fromPhrase(phrase, "", displayName)
	return info, phrase, err
}

// RestoreIdentity takes an identity from its seed phrase and BIP39 passphrase
// (usually ""). This is a new device of it: sessions and history are not restored.
// Spec: 2/ACCOUNT; 54/WAKU2-X3DH-SESSIONS, "Account recovery".
func (c *Client) RestoreIdentity(ctx context.Context, phrase, passphrase, displayName string) (IdentityInfo, error) {
	p, err := identity.ParsePhrase(phrase)
	if err != nil {
		return IdentityInfo{}, badPhrase(err)
	}
	return c.fromPhrase(p, passphrase, displayName)
}

// badPhrase says what is wrong with a phrase without repeating any of it.
func badPhrase(err error) *Error {
	var length *identity.PhraseLengthError
	var word *identity.PhraseWordError
	switch {
	case errors.As(err, &length):
		return Errorf(CodeBadPhrase, "phrase", "a phrase has 12, 15, 18, 21 or 24 words, this text has %d", length.Words).
			Because(err).With("cause", "length").With("words", length.Words)
	case errors.As(err, &word):
		return Errorf(CodeBadPhrase, "phrase", "word %d: %s", word.Position, word.Fault.Text()).
			Because(err).With("cause", "word").With("word", word.Position).With("fault", string(word.Fault))
	case errors.Is(err, identity.ErrPhraseAmbiguous):
		return Errorf(CodeBadPhrase, "phrase", "the words fit two languages: write them whole, with their accents").
			Because(err).With("cause", "two_languages")
	}
	return Errorf(CodeBadPhrase, "phrase", "the checksum does not match: a word is wrong or out of place").Because(err).With("cause", "checksum")
}

// fromPhrase makes the identity of a seed phrase the one of this client.
func (c *Client) fromPhrase(p identity.Phrase, passphrase, displayName string) (IdentityInfo, error) {
	k, err := identity.ChatKey(p, passphrase)
	if err != nil {
		return IdentityInfo{}, err
	}
	return c.newAccount(k, p.Words(), displayName)
}

// ImportIdentity takes an identity from its private chat key.
func (c *Client) ImportIdentity(ctx context.Context, private key.Private, displayName string) (IdentityInfo, error) {
	if private.IsZero() {
		return IdentityInfo{}, Errorf(CodeBadKey, "private_key", "the private key is not valid")
	}
	return c.newAccount(private, "", displayName)
}

// newAccount stores an identity as a new device of it, and begins to work as that.
func (c *Client) newAccount(k key.Private, phrase, displayName string) (IdentityInfo, error) {
	if err := c.checkOpen(); err != nil {
		return IdentityInfo{}, err
	}
	displayName, err := cleanName("display_name", displayName, MaxDisplayName)
	if err != nil {
		return IdentityInfo{}, err
	}
	// Deriving and storing take a while: two calls must not both find no identity.
	c.self.becoming.Lock()
	defer c.self.becoming.Unlock()
	if c.self.Load() != nil || c.self.adopted != nil {
		return IdentityInfo{}, Errorf(CodeIdentityExists, "", "this store holds an identity already")
	}
	a, err := c.makeAccount(k, func(a *account) { a.displayName, a.phrase = displayName, phrase })
	if err != nil {
		return IdentityInfo{}, err
	}
	return a.info(), c.become(a)
}

// makeAccount stores an identity as a new device of it; fill adds the profile. The caller
// holds c.self.becoming.
func (c *Client) makeAccount(k key.Private, fill func(*account)) (*account, error) {
	installation, err := c.newInstallation()
	if err != nil {
		return nil, err
	}
	preKeys, _, err := x3dh.PreKeys{}.Rotate(c.now(), c.rand)
	if err != nil {
		return nil, err
	}
	a := &account{
		self:   session.Self{Identity: k, InstallationID: installation, PreKeys: preKeys},
		public: k.Public(), createdAt: c.now().UnixMilli(),
	}
	fill(a)
	code := topic.ContactCode(a.public)
	own := underived(topicContactCode, a.public, code)
	own.sym = symmetricKey(code.Name) // by the caller of the program, who waits for an identity
	err = c.update(func(t *txn) error {
		if err := ledger.Put(t, tableMeta, metaIdentity, a.record()); err != nil {
			return err
		}
		if err := own.store(t); err != nil {
			return err
		}
		if err := t.Delete(tableMeta, metaProvisional); err != nil {
			return err
		}
		return t.Put(tableMeta, metaPreKeys, preKeys.Marshal())
	})
	return a, err
}

// loadAccount reads the identity from the store; nil when there is none.
func (c *Client) loadAccount() (*account, error) {
	var rec wire.IdentityRecord
	var preKeys []byte
	found := false
	err := c.ledger.View(func(tx Tx) (err error) {
		if found, err = ledger.Get(tx, tableMeta, metaIdentity, &rec); err != nil {
			return err
		}
		preKeys, err = tx.Get(tableMeta, metaPreKeys)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	k, err := key.ParsePrivate(rec.GetPrivateKey())
	if err != nil {
		return nil, Errorf(CodeStoreCorrupt, "", "the identity key does not read back")
	}
	pk, err := x3dh.UnmarshalPreKeys(preKeys)
	if err != nil {
		return nil, Errorf(CodeStoreCorrupt, "", "the pre-keys do not read back").Because(err)
	}
	a := &account{
		self:   session.Self{Identity: k, InstallationID: rec.GetInstallationId(), PreKeys: pk},
		public: k.Public(), createdAt: rec.GetCreatedAt(), phrase: rec.GetPhrase(), deviceName: rec.GetDeviceName(),
	}
	a.fill(&rec)
	own, err := c.readPeer(a.public)
	if err != nil {
		return nil, err
	}
	own.Limit = c.ownLimit()
	a.setDevices(own)
	return a, nil
}

// become makes a the identity of the running client: its state is loaded, its
// topics are subscribed, and the loop begins to work.
func (c *Client) become(a *account) error {
	defer c.beginTurn().End()
	if err := c.loadRoutes(a); err != nil {
		return err
	}
	c.outbox.Become(a.public)
	for _, load := range []func(Tx) error{c.people.contacts.load, c.people.presences.load} {
		if err := c.ledger.View(load); err != nil {
			return err
		}
	}
	loaded := c.working() // of a provisional device
	for _, p := range c.loop.parts {
		if slices.Contains(loaded, p) {
			continue
		}
		if err := c.ledger.View(p.Load); err != nil {
			return err
		}
	}
	c.self.Store(a)
	c.self.provisional.Store(nil)
	c.loop.acceptsWork = true
	c.kick()
	return nil
}

// SetDisplayName changes the name that messages carry for others to see.
func (c *Client) SetDisplayName(name string) (IdentityInfo, error) {
	name, err := cleanName("display_name", name, MaxDisplayName)
	if err != nil {
		return IdentityInfo{}, err
	}
	if err := c.changeAccount(func(a *account) { a.displayName = name }); err != nil {
		return IdentityInfo{}, err
	}
	return c.Identity()
}
