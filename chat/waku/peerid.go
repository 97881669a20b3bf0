package waku

import (
	"crypto/rand"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"libstatus1to1/chat/protocol/key"
)

// PeerID is the libp2p peer id of a node with this key (its text form, 16Uiu2HA...):
// what stands after /p2p/ in its addresses.
func PeerID(node key.Private) (string, error) {
	if node.IsZero() {
		return "", key.ErrPrivate
	}
	private, err := crypto.UnmarshalSecp256k1PrivateKey(node.Bytes())
	if err != nil {
		return "", err
	}
	id, err := peer.IDFromPrivateKey(private)
	return id.String(), err
}

// identityOf is the key a node runs under: its own where others may know its address,
// since that ends in the peer id; otherwise a new one, so that the networks it is used
// from do not learn that it is the same device.
func identityOf(s settings, own key.Private) (key.Private, error) {
	if len(s.listen) > 0 {
		return own, nil
	}
	return key.Generate(rand.Reader)
}
