// Package topic computes where a 1:1 message travels: the content topics of
// 54/WAKU2-X3DH-SESSIONS and 53/WAKU2-X3DH in the shape of 23/WAKU2-TOPICS, the
// symmetric key that belongs to a topic, and the pubsub topic of a shard.
package topic

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/pbkdf2"

	"libstatus1to1/chat/protocol/key"
)

// Numbers of the deployed network.
const (
	// Size is the number of bytes of its name's hash that make up a topic.
	Size = 4
	// Partitions is the number of partitioned topics that all identities share: few
	// enough to hide among others, enough not to receive everybody's messages.
	Partitions = 5000
	// KeyRounds is the PBKDF2 iteration count of a topic's symmetric key. It is
	// 65356 on the network, not 65536.
	KeyRounds = 65356
	// StatusCluster and StatusShard identify the shard on which Status carries 1:1
	// messages.
	StatusCluster, StatusShard uint16 = 16, 32
)

// ErrContentTopic: not of the form /waku/1/0x<8 lower-case hex digits>/rfc26.
var ErrContentTopic = errors.New("topic: not a content topic of the form /waku/1/0x00000000/rfc26")

// Topic identifies a stream of messages. The zero value is not a topic.
//
// The name of a negotiated topic is a shared secret, and every topic's symmetric key is
// derived from its name, so a Topic prints and marshals as its content topic.
type Topic struct {
	// Name is the string that is hashed. Not to be logged.
	Name  string
	bytes [Size]byte
}

// Named is the topic with this name: the first 4 bytes of keccak256(name).
func Named(name string) Topic {
	t := Topic{Name: name}
	copy(t.bytes[:], key.Keccak256([]byte(name)))
	return t
}

// Partitioned returns the topic on which an identity receives first messages. About one
// identity in 5000 shares it. Messages are encrypted to the identity (ECIES).
// Spec: 54/WAKU2-X3DH-SESSIONS, "Discovery of pre-key bundles".
func Partitioned(p key.Public) Topic {
	x := new(big.Int).SetBytes(p.X())
	return Named("contact-discovery-" + x.Mod(x, big.NewInt(Partitions)).String())
}

// Personal returns the topic on which only one identity listens. Messages are encrypted
// to the identity (ECIES).
func Personal(p key.Public) Topic {
	return Named("contact-discovery-" + hex.EncodeToString(p.Uncompressed()))
}

// ContactCode returns the topic on which an identity publishes its bundle for
// everybody. Messages are encrypted with SymmetricKey of the topic's name.
// Spec: 53/WAKU2-X3DH, "Pre-keys".
func ContactCode(p key.Public) Topic {
	return Named(p.Hex() + "-contact-code")
}

// Negotiated is the topic only two identities know: shared is the ECDH of their
// identity keys. Messages are encrypted with SymmetricKey of the name.
// Spec: 54/WAKU2-X3DH-SESSIONS, "Negotiated topic to be used for
// the session".
func Negotiated(shared key.Secret) Topic {
	return Named(hex.EncodeToString(shared[:]))
}

// Bytes is the topic as the 4 bytes on the wire.
func (t Topic) Bytes() [Size]byte { return t.bytes }

// ContentTopic is the WakuMessage's content topic, /waku/1/0x<8 hex>/rfc26.
// Spec: 23/WAKU2-TOPICS, "Bridging Waku v1 and Waku v2".
func (t Topic) ContentTopic() string { return ContentTopic(t.bytes) }

// ContentTopic is the content topic of the 4 bytes on the wire.
func ContentTopic(b [Size]byte) string {
	return contentPrefix + hex.EncodeToString(b[:]) + contentSuffix
}

const (
	contentPrefix = "/waku/1/0x"
	contentSuffix = "/rfc26"
)

// ParseContentTopic reads the 4 bytes of a content topic, exactly as
// ContentTopic writes it. Errors: ErrContentTopic.
func ParseContentTopic(s string) ([Size]byte, error) {
	var b [Size]byte
	digits, ok := strings.CutPrefix(s, contentPrefix)
	if !ok {
		return b, ErrContentTopic
	}
	digits, ok = strings.CutSuffix(digits, contentSuffix)
	if !ok || len(digits) != hex.EncodedLen(Size) || digits != strings.ToLower(digits) {
		return b, ErrContentTopic
	}
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil {
		return [Size]byte{}, ErrContentTopic
	}
	return b, nil
}

// SymmetricKey is the key of the contact-code or negotiated topic with this
// name. It costs about 12 ms of CPU: derive it once and store it.
// Form: PBKDF2-HMAC-SHA256, no salt, KeyRounds, 32 bytes.
func SymmetricKey(name string) key.Secret {
	var s key.Secret
	copy(s[:], pbkdf2.Key([]byte(name), nil, KeyRounds, len(s), sha256.New))
	return s
}

// PubsubTopic is the relay topic of a static shard, /waku/2/rs/<cluster>/<shard>.
// Spec: 23/WAKU2-TOPICS, "Pubsub Topic Format"; relay sharding's static shards.
func PubsubTopic(cluster, shard uint16) string {
	return fmt.Sprintf("/waku/2/rs/%d/%d", cluster, shard)
}
