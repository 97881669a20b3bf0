package chat

import (
	"crypto/sha256"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// bundleFresh is for how long one signature of our bundle is used. Its timestamp
// tells others only which device was heard last; deployed clients sign anew for
// each message.
const bundleFresh = time.Minute

// signedBundle is our bundle as it was signed last, for the account as it was then.
type signedBundle struct {
	bundle  *wire.Bundle
	account *account
	at      time.Time
}

// ownBundle is our signed bundle, with the pre-keys of our active installations and a
// recent timestamp. The loop only. Spec: 53/WAKU2-X3DH, "Bundle retrieval".
func (c *Client) ownBundle(a *account) (*wire.Bundle, error) {
	current, ok := a.self.PreKeys.Current()
	if !ok {
		return nil, Errorf(CodeStoreCorrupt, "", "there is no current pre-key")
	}
	now, last := c.now(), c.loop.bundle
	if age := now.Sub(last.at); last.account == a && age >= 0 && age < bundleFresh {
		return last.bundle, nil
	}
	bundle, err := x3dh.Bundle{
		Identity:      a.public,
		Timestamp:     now.UnixNano(),
		SignedPreKeys: append([]x3dh.SignedPreKey{current.Signed(a.self.InstallationID)}, a.others...),
	}.Sign(a.self.Identity)
	if err == nil {
		c.loop.bundle = signedBundle{bundle, a, now}
	}
	return bundle, err
}

// protocolMessage wraps what the sessions encrypted, with our bundle beside it.
func protocolMessage(a *account, bundle *wire.Bundle, encrypted map[string]*wire.EncryptedMessageProtocol, public []byte) ([]byte, error) {
	return proto.Marshal(&wire.ProtocolMessage{
		InstallationId: a.self.InstallationID, Bundles: []*wire.Bundle{bundle},
		EncryptedMessage: encrypted, PublicMessage: public,
	})
}

// contactCode publishes our bundle for everybody who knows our key.
// Spec: 53/WAKU2-X3DH, "Contact code"; 54, "Discovery of pre-key bundles".
func (c *Client) contactCode(a *account) error {
	advertisement, err := proto.Marshal(&wire.ContactCodeAdvertisement{ChatIdentity: a.chatIdentity(false)})
	if err != nil {
		return err
	}
	application, err := message.Wrap(a.self.Identity, wire.ApplicationMetadataMessage_CONTACT_CODE_ADVERTISEMENT, advertisement)
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
	if !ok {
		return Errorf(CodeStoreCorrupt, "", "our own contact-code topic is missing")
	}
	sealed, err := payload.SealSymmetric(c.rand, own.sym, a.self.Identity, pm)
	if err != nil {
		return err
	}
	_, err = c.publish(own.contentTopic, sealed, 0)
	return err
}

// publishContactCode does so when it is due: at the start, when the bundle changed, when
// we were away (returns.go), and every ContactCodeEvery.
func (c *Client) publishContactCode(t *ledger.Turn) {
	a, err := c.account()
	now := c.now()
	if err != nil || !t.Online || now.Before(c.loop.nextCode) {
		return
	}
	if a.dropped { // off the list, it shows itself to our other devices only
		c.loop.answers[answer{peer: a.public}] = true
		c.loop.nextCode = now.Add(c.settings.ContactCodeEvery)
		return
	}
	if err := c.contactCode(a); err != nil {
		c.log.Log("debug", "contact code not published", "error", err.Error())
		c.loop.nextCode = now.Add(contactCodeRetry)
		return
	}
	c.loop.lastCode, c.loop.nextCode = now, now.Add(c.settings.ContactCodeEvery)
	if c.loop.codesLeft > 0 {
		c.loop.codesLeft--
		c.loop.nextCode = now.Add(min(codeAgain*c.settings.ResendBase, c.settings.ContactCodeEvery))
	}
}

// contactCodeRetry is the pause after a contact code could not be published:
// status-go's ticker.
const contactCodeRetry = 120 * time.Second

// care rotates pre-keys and forgets what is older than anything that may still
// come. Called with busy held.
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

// digest names a ProtocolMessage: an exact copy has the same.
func digest(protocolMessage []byte, sender key.Public) [32]byte {
	return sha256.Sum256(append(sender.Compressed(), protocolMessage...))
}
