package chat

import (
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// contactCode schedules the publishing of our contact code.
type contactCode struct {
	next, last time.Time
	repeats    int // how often it is to be published again soon: see returns.go
}

// preKeyRenewal is about replacing our pre-key out of turn, because a session was lost.
type preKeyRenewal struct {
	version uint32    // of the new one, at least; 0: none is asked for
	renewed time.Time // the last time
}

// codeSoon makes the contact code due, at most once in a ResendBase, because changes of the
// bundle may come in numbers.
func (c *Client) codeSoon() {
	at := c.sessions.code.last.Add(c.settings.ResendBase)
	if at.Before(c.sessions.code.next) {
		c.sessions.code.next = at
	}
}

// publishCode publishes our bundle, and our profile, for everybody who knows our key.
// Spec: 53/WAKU2-X3DH, "Contact code"; 54, "Discovery of pre-key bundles".
func (c *Client) publishCode(a *account) error {
	advertisement := &wire.ContactCodeAdvertisement{ChatIdentity: a.chatIdentity(false)}
	return c.publishInClear(a, wire.ApplicationMetadataMessage_CONTACT_CODE_ADVERTISEMENT, advertisement, false)
}

// publishInClear publishes an application message on our contact-code topic, with our bundle
// beside it: everybody who knows our key can read it. Store nodes need not keep an ephemeral one.
func (c *Client) publishInClear(a *account, typ wire.ApplicationMetadataMessage_Type, m proto.Message, ephemeral bool) error {
	encoded, err := message.Encode(m)
	if err != nil {
		return err
	}
	application, err := message.Wrap(a.self.Identity, typ, encoded)
	if err != nil {
		return err
	}
	bundle, err := c.ownBundle(a)
	if err != nil {
		return err
	}
	pm, err := protocolMessage(a, bundle, nil, application)
	if err != nil {
		return err
	}
	own, ok := c.routes.get(topicContactCode, a.public)
	if !ok || !own.opens() {
		return Errorf(CodeStoreCorrupt, "", "our own contact-code topic is missing")
	}
	sealed, err := payload.SealSymmetric(c.rand, own.sym, a.self.Identity, pm)
	if err != nil {
		return err
	}
	return c.publish(Envelope{ContentTopic: own.contentTopic(), Payload: sealed, Version: 1, Ephemeral: ephemeral})
}

// publishContactCode publishes our contact code when it is due: at the start, when the
// bundle or the profile has changed, when we were away (returns.go), and every
// ContactCodeEvery.
func (c *Client) publishContactCode(t *ledger.Turn) {
	a, err := c.account()
	now := c.now()
	if err != nil || !t.Online || now.Before(c.sessions.code.next) {
		return
	}
	if a.dropped {
		// Our other devices have disabled this one. If it published a bundle that lists it,
		// people would write to it again. So it advertises itself to the other devices
		// only.
		c.sessions.answers.due[answer{peer: a.public}] = true
		c.sessions.code.next = now.Add(c.settings.ContactCodeEvery)
		return
	}
	if err := c.publishCode(a); err != nil {
		c.log.Log("debug", "contact code not published", "error", err.Error())
		c.sessions.code.next = now.Add(contactCodeRetry)
		return
	}
	c.sessions.code.last, c.sessions.code.next = now, now.Add(c.settings.ContactCodeEvery)
	if c.sessions.code.repeats > 0 {
		c.sessions.code.repeats--
		c.sessions.code.next = now.Add(min(codeAgain*c.settings.ResendBase, c.settings.ContactCodeEvery))
	}
}

// contactCodeRetry is the pause after a contact code could not be published:
// status-go's ticker.
const contactCodeRetry = 120 * time.Second

// care rotates pre-keys and forgets what is older than anything that may still
// come. The caller holds the engine's lock.
func (c *Client) care(now time.Time) {
	a, err := c.account()
	if err != nil {
		return
	}
	if err := c.rotate(a, now); err != nil {
		c.log.Log("warn", "rotating pre-keys failed", "error", err.Error())
	}
	if err := c.forgetMarks(now); err != nil {
		c.log.Log("warn", "forgetting old marks failed", "error", err.Error())
	}
}

// rotate makes a new signed pre-key when the current one is old enough. Sessions
// from the old one expire by that. Spec: 53, "Pre-keys"; 54, "Re-keying".
func (c *Client) rotate(a *account, now time.Time) error {
	preKeys, changed, err := a.self.PreKeys.Rotate(now, c.rand)
	if err != nil || !changed {
		return err
	}
	return c.storePreKeys(a, preKeys)
}

// maxPreKeyVersion bounds the versions that are believed: the time in seconds of 2072.
// Otherwise a thief of the seed phrase could use up all our versions.
const maxPreKeyVersion = 3 << 30

// ownBundleSeen compares what another own device knows of our pre-keys with what we
// have: if it knows a newer one, our store is an older copy that was put back.
func (p *pass) ownBundleSeen(m *inbound) {
	current, ok := p.a.self.PreKeys.Current()
	if !ok {
		return
	}
	for _, b := range m.message.GetBundles() {
		spk := b.GetSignedPreKeys()[p.a.self.InstallationID]
		if string(b.GetIdentity()) != string(p.a.public.Compressed()) || spk == nil {
			continue
		}
		newer := spk.GetVersion() > current.Version && spk.GetVersion() < maxPreKeyVersion
		other := spk.GetVersion() == current.Version && string(spk.GetSignedPreKey()) != string(current.Private.Public().Compressed())
		if newer || other {
			version := spk.GetVersion() + 1
			p.do(func(t *txn) error { t.After(func() { t.c.wantNewPreKey(version) }); return nil })
		}
	}
}

// wantNewPreKey asks for a new pre-key of at least a version. Versions are the time in
// seconds: so a store that was put back from an older copy does not give one out twice.
func (c *Client) wantNewPreKey(version uint32) {
	now := c.now()
	if c.sessions.preKey.renewed.IsZero() || now.Sub(c.sessions.preKey.renewed) >= renewEvery {
		c.sessions.preKey.version = max(version, uint32(now.Unix()))
	}
}

// renewPreKey replaces our pre-key when that was asked for. The caller holds the engine's
// lock.
func (c *Client) renewPreKey() {
	a, err := c.account()
	if err != nil || c.sessions.preKey.version == 0 {
		return
	}
	preKeys, err := a.self.PreKeys.Renew(c.now(), c.sessions.preKey.version, c.rand)
	if err == nil {
		err = c.storePreKeys(a, preKeys)
	}
	if err != nil {
		c.log.Log("warn", "replacing the pre-key failed", "error", err.Error())
		return
	}
	c.sessions.preKey.version, c.sessions.preKey.renewed = 0, c.now()
}

// storePreKeys stores new pre-keys and has them published. The caller holds the engine's
// lock.
func (c *Client) storePreKeys(a *account, preKeys x3dh.PreKeys) error {
	next := *a
	next.self.PreKeys = preKeys
	if err := c.update(func(t *txn) error { return t.Put(tableMeta, metaPreKeys, preKeys.Marshal()) }); err != nil {
		return err
	}
	c.self.Store(&next)
	c.codeSoon()
	return nil
}
