package chat

import (
	"bytes"
	"sync"

	"libstatus1to1/chat/internal/catchup"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// topicKind is the purpose of a content topic. It is stored, and part of a key of
// tableTopics.
type topicKind string

const (
	topicPartitioned topicKind = "partitioned"  // first messages to us
	topicNegotiated  topicKind = "negotiated"   // messages between one other identity and us
	topicContactCode topicKind = "contact_code" // an identity publishes its bundle
)

// topicRule describes the payloads allowed on topics of a kind. Others are dropped. Spec:
// 54/WAKU2-X3DH-SESSIONS; 53/WAKU2-X3DH, "Contact code".
type topicRule struct {
	// symmetric: payloads are encrypted with the key of the topic, which its record holds;
	// otherwise to our identity, and there is no record.
	symmetric bool
	// anybody may sign what comes; otherwise the peer of the topic, and our other devices.
	anybody bool
	// public: messages are in the clear beside their bundle; otherwise for our sessions.
	public bool
	// class says how important what was missed there is.
	class catchup.Class
}

var topicRules = map[topicKind]topicRule{
	topicPartitioned: {anybody: true, class: catchup.Partitioned},
	topicNegotiated:  {symmetric: true, class: catchup.Negotiated},
	topicContactCode: {symmetric: true, public: true, class: catchup.ContactCode},
}

// rule returns what may come on topics of a kind; nothing is symmetric, public or from
// anybody on one that is not known.
func (k topicKind) rule() topicRule { return topicRules[k] }

// route is a reason to listen to a content topic, with the keys to open what comes there.
// Several routes may share a topic: there are 5000 partitions, and 4 bytes of a hash name
// each of the others.
type route struct {
	kind         topicKind
	contentTopic string
	sym          key.Secret
	peer         key.Compact // whose contact code, or the other side; ours for partitioned
}

// open decrypts a payload that came on the topic of the route.
func (r route) open(self key.Private, b []byte) (payload.Opened, error) {
	if !r.kind.rule().symmetric {
		return payload.OpenAsymmetric(self, b)
	}
	return payload.OpenSymmetric(r.sym, b)
}

// recordKey names the record of a route.
func (r route) recordKey() []byte { return append([]byte(r.kind), r.peer[:]...) }

// routeName identifies a route.
type routeName struct {
	kind topicKind
	peer key.Compact
}

// name identifies the route.
func (r route) name() routeName { return routeName{r.kind, r.peer} }

// topicKey names the record of the route of a kind to a person.
func topicKey(kind topicKind, peer key.Public) []byte {
	return append([]byte(kind), peer.Compressed()...)
}

// store stores a route; listen begins to use it after the commit.
func (r route) store(t *txn) error {
	if err := t.c.catchUp.Began(t.Tx, r.contentTopic, r.kind.rule().class); err != nil {
		return err
	}
	return r.put(t)
}

// put stores a route without fetching anything that was published there before.
func (r route) put(t *txn) error {
	return ledger.Put(t, tableTopics, r.recordKey(), &wire.TopicRecord{
		Kind: string(r.kind), ContentTopic: r.contentTopic, Key: r.sym[:], Peer: r.peer[:],
	})
}

// routes are the routes we listen on, by content topic and by name. It mirrors tableTopics,
// and the partitioned topic, which has no record.
type routes struct {
	mu      sync.RWMutex
	byTopic map[string][]route
	known   map[routeName]route
	// awaited are the people whose contact code we listen for without a stored route: these
	// routes are in byTopic only. See returns.go.
	awaited map[key.Compact]bool
}

// on returns the routes of a content topic. The slice must not be changed.
func (r *routes) on(contentTopic string) []route {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byTopic[contentTopic]
}

// get returns a stored route.
func (r *routes) get(kind topicKind, peer key.Public) (route, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	found, ok := r.known[routeName{kind, peer.Compact()}]
	return found, ok
}

// add begins to use a route; one that is known is left as it is.
func (r *routes) add(n route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := n.name()
	if _, ok := r.known[name]; ok {
		return
	}
	r.known[name] = n
	if n.kind == topicContactCode && r.awaited[n.peer] { // it is in byTopic already
		delete(r.awaited, n.peer)
		return
	}
	// A new slice: on hands out the old one.
	r.byTopic[n.contentTopic] = append(append([]route(nil), r.byTopic[n.contentTopic]...), n)
}

// remove forgets a route and reports whether its content topic is no longer needed.
func (r *routes) remove(n route) (unused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, n.name())
	var rest []route
	for _, o := range r.byTopic[n.contentTopic] {
		if o.kind != n.kind || o.peer != n.peer {
			rest = append(rest, o)
		}
	}
	if len(rest) == 0 {
		delete(r.byTopic, n.contentTopic)
		return true
	}
	r.byTopic[n.contentTopic] = rest
	return false
}

// deriveTopic makes the route of a symmetric topic. It takes some 12 ms, the derivation of
// its key, so it is done outside of transactions.
func (c *Client) deriveTopic(kind topicKind, peer key.Public, t topic.Topic) route {
	return route{kind: kind, contentTopic: t.ContentTopic(), sym: symmetricKey(t.Name), peer: peer.Compact()}
}

// symmetricKey is a variable so that simulations of many clients need not derive the
// same keys again and again.
var symmetricKey = topic.SymmetricKey

// negotiatedRoute is the route shared with peer, derived when it is not known.
func (c *Client) negotiatedRoute(a *account, peer key.Public) (r route, known bool, err error) {
	if r, known = c.routes.get(topicNegotiated, peer); known {
		return r, true, nil
	}
	shared, err := a.self.Identity.ECDH(peer)
	if err != nil {
		return route{}, false, err
	}
	return c.deriveTopic(topicNegotiated, peer, topic.Negotiated(shared)), false, nil
}

// listen adds routes that have just been stored.
func (c *Client) listen(rs ...route) {
	for _, r := range rs {
		c.routes.add(r)
		if err := c.net.Subscribe(r.contentTopic); err != nil {
			c.log.Log("warn", "subscribing failed", "kind", string(r.kind), "error", err.Error())
		}
	}
}

// loadRoutes reads the stored topics and subscribes to all of them.
func (c *Client) loadRoutes(a *account) error {
	c.routes.mu.Lock()
	c.routes.byTopic, c.routes.known, c.routes.awaited = map[string][]route{}, map[routeName]route{}, nil
	c.routes.mu.Unlock()
	all := []route{{
		kind: topicPartitioned, contentTopic: topic.Partitioned(a.public).ContentTopic(), peer: a.public.Compact(),
	}}
	err := c.ledger.View(func(tx Tx) error {
		return tx.Each(tableTopics, func(_, value []byte) error {
			var rec wire.TopicRecord
			if err := ledger.Decode(tableTopics, value, &rec); err != nil {
				return err
			}
			if len(rec.GetPeer()) != len(key.Compact{}) || len(rec.GetKey()) != len(key.Secret{}) {
				return Errorf(CodeStoreCorrupt, "", "a topic does not read back")
			}
			all = append(all, route{topicKind(rec.GetKind()), rec.GetContentTopic(), key.Secret(rec.GetKey()), key.Compact(rec.GetPeer())})
			return nil
		})
	})
	if err != nil {
		return err
	}
	c.routes.mu.Lock()
	c.routes.byTopic, c.routes.known = make(map[string][]route, len(all)), make(map[routeName]route, len(all))
	c.routes.mu.Unlock()
	topics := make([]string, len(all))
	for i, r := range all {
		c.routes.add(r)
		topics[i] = r.contentTopic
	}
	return c.net.Subscribe(topics...)
}

// topics checks that the stored topics read back.
func (in *inspection) topics() error {
	return in.Each(tableTopics, func(name, value []byte) error {
		var rec wire.TopicRecord
		if err := ledger.Decode(tableTopics, value, &rec); err != nil {
			return err
		}
		peer, err := key.ParsePublic(rec.GetPeer())
		_, topicErr := topic.ParseContentTopic(rec.GetContentTopic())
		if err != nil || topicErr != nil || len(rec.GetKey()) != len(key.Secret{}) || !bytes.Equal(name, topicKey(topicKind(rec.GetKind()), peer)) ||
			!topicKind(rec.GetKind()).rule().symmetric {
			in.Report(tableTopics, "a topic does not read back")
		}
		return nil
	})
}
