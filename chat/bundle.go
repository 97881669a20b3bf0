package chat

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

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
	_, err = c.publish(own.contentTopic, sealed)
	return err
}

// publishContactCode does so when it is due: at the start, when the bundle changed, when
// we were away (returns.go), and every ContactCodeEvery.
func (c *Client) publishContactCode(a *account) {
	now := c.now()
	if now.Before(c.loop.nextCode) {
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
	if err := c.forgetSeen(now); err != nil {
		c.log.Log("warn", "forgetting old marks failed", "error", err.Error())
	}
	if err := c.forgetOldFailures(now); err != nil {
		c.log.Log("warn", "forgetting failed messages failed", "error", err.Error())
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

// keepSeen is how long opened messages are remembered: longer than the pre-keys
// that could open them again.
const keepSeen = x3dh.KeepSpent + 24*time.Hour

// forgetAtOnce bounds how much is forgotten in one transaction.
const forgetAtOnce = 5000

// forgetSeen forgets the oldest marks. Those of the future, by a clock that was ahead
// then, are dated now: they would hold up all that came after them.
func (c *Client) forgetSeen(now time.Time) error {
	return c.update(func(t *txn) error {
		var last uint64
		var old [][]byte
		var ahead []byte
		limit, future := now.Add(-keepSeen).UnixMilli(), now.Add(careEvery).UnixMilli()
		err := t.Range(queueSeen, 0, func(seq uint64, value []byte) (bool, error) {
			if len(value) < 8 {
				return false, nil
			}
			switch at := int64(binary.BigEndian.Uint64(value)); {
			case at <= limit:
				for name := range slices.Chunk(value[8:], seenKeySize) {
					old = append(old, slices.Clone(name))
				}
			case at > future:
				ahead = append(ahead, value[8:]...)
			default:
				return false, nil
			}
			last = seq
			return len(old)+len(ahead)/seenKeySize < forgetAtOnce, nil
		})
		if err != nil || last == 0 {
			return err
		}
		t.marks = append(t.marks, ahead...)
		for _, name := range old {
			if err := t.Delete(tableSeen, name); err != nil {
				return err
			}
		}
		return t.Trim(queueSeen, last)
	})
}

// remember marks something as seen until keepSeen has passed.
func (t *txn) remember(kind byte, id [32]byte, mvds [][32]byte) error {
	name := seenKey(kind, id)
	rec := &wire.SeenRecord{}
	for _, m := range mvds {
		rec.MvdsIds = append(rec.MvdsIds, m[:])
	}
	t.marks = append(t.marks, name...)
	return put(t, tableSeen, name, rec)
}

// putMarks lists the marks of the transaction, to be forgotten together.
func (t *txn) putMarks() error {
	if len(t.marks) == 0 {
		return nil
	}
	entry := binary.BigEndian.AppendUint64(nil, uint64(t.c.now().UnixMilli()))
	_, err := t.Append(queueSeen, append(entry, t.marks...))
	return err
}

// seenKeySize is the size of the keys of tableSeen.
const seenKeySize = 1 + 32

func seenKey(kind byte, id [32]byte) []byte { return append([]byte{kind}, id[:]...) }

// digest names a ProtocolMessage: an exact copy has the same.
func digest(protocolMessage []byte, sender key.Public) [32]byte {
	return sha256.Sum256(append(sender.Compressed(), protocolMessage...))
}
