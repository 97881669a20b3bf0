package chat

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
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
	kind topicKind
	id   topicID
	sym  key.Secret  // zero while it is not derived yet: topickeys.go
	peer key.Compact // whose contact code, or the other side; ours for partitioned
}

// topicID names a content topic in few bytes: there are two of each contact.
type topicID = [topic.Size]byte

// contentTopic returns the topic on which the route is listened to.
func (r route) contentTopic() string { return topic.ContentTopic(r.id) }

// opens reports whether the route has what opens its payloads.
func (r route) opens() bool { return !r.kind.rule().symmetric || r.sym != key.Secret{} }

// open decrypts a payload that came on the topic of the route.
func (r route) open(self key.Private, b []byte) (payload.Opened, error) {
	if !r.kind.rule().symmetric {
		return payload.OpenAsymmetric(self, b)
	}
	return payload.OpenSymmetric(r.sym, b)
}

// routeName identifies a route.
type routeName struct {
	kind topicKind
	peer key.Compact
}

// name identifies the route.
func (r route) name() routeName { return routeName{r.kind, r.peer} }

// recordKey names the record of a route.
func (n routeName) recordKey() []byte { return append([]byte(n.kind), n.peer[:]...) }

// topicKey names the record of the route of a kind to a person.
func topicKey(kind topicKind, peer key.Public) []byte {
	return routeName{kind, peer.Compact()}.recordKey()
}

// store stores a route; listen begins to use it after the commit.
func (r route) store(t *txn) error {
	if err := t.c.catchUp.Began(t.Tx, r.contentTopic(), r.kind.rule().class); err != nil {
		return err
	}
	return r.put(t)
}

// put stores a route without fetching anything that was published there before. A record
// that is there may have the key already that this route lacks.
func (r route) put(t *txn) error {
	name := r.name().recordKey()
	if !r.opens() {
		if b, err := t.Get(tableTopics, name); err != nil || b != nil {
			return err
		}
	}
	return ledger.Put(t, tableTopics, name, r.record())
}

// record returns the route as it is stored.
func (r route) record() *wire.TopicRecord {
	rec := &wire.TopicRecord{Kind: string(r.kind), ContentTopic: r.contentTopic(), Peer: r.peer[:]}
	if r.opens() {
		rec.Key = r.sym[:]
	}
	return rec
}

// routes are the routes we listen on, by content topic and by name. It mirrors tableTopics,
// and the partitioned topic, which has no record.
type routes struct {
	mu sync.RWMutex
	// byTopic has the first route of each content topic, which has the next.
	byTopic map[topicID]*listed
	known   map[routeName]*listed
	// awaited are the people whose contact code we listen for without a stored route: these
	// routes are in byTopic only. See returns.go.
	awaited map[key.Compact]*listed
	missing missingKeys
}

// listed is a route in the memory of routes. Its key is added when it is derived.
type listed struct {
	route
	next *listed // on the same content topic
}

// on returns the routes of a content topic.
func (r *routes) on(contentTopic string) (all []route) {
	id, err := topic.ParseContentTopic(contentTopic)
	if err != nil {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for l := r.byTopic[id]; l != nil; l = l.next {
		all = append(all, l.route)
	}
	return all
}

// open decrypts an envelope by the first route of its topic that can. If none can it is
// errNoKey as long as one of them has no key.
func (r *routes) open(self key.Private, e Envelope) (by route, opened payload.Opened, err error) {
	err = dropped("topic")
	for _, by := range r.on(e.ContentTopic) {
		if !by.opens() {
			err = errNoKey
			continue
		}
		if opened, failed := by.open(self, e.Payload); failed == nil {
			return by, opened, nil
		}
		if !errors.Is(err, errNoKey) {
			err = dropped("payload")
		}
	}
	return route{}, payload.Opened{}, err
}

// get returns a stored route.
func (r *routes) get(kind topicKind, peer key.Public) (route, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if l := r.known[routeName{kind, peer.Compact()}]; l != nil {
		return l.route, true
	}
	return route{}, false
}

// add begins to use a route; of one that is known at most the key is taken.
func (r *routes) add(n route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := n.name()
	l := r.known[name]
	if awaited := r.awaited[n.peer]; l == nil && n.kind == topicContactCode && awaited != nil {
		l = awaited // it is in byTopic already
		r.known[name] = l
		delete(r.awaited, n.peer)
		if l.opens() && !n.opens() { // derived meanwhile, and not stored
			r.missing.unsaved = append(r.missing.unsaved, name)
		}
	}
	if l == nil {
		l = &listed{route: n}
		r.known[name] = l
		r.link(l)
		return
	}
	if !l.opens() && n.opens() {
		r.setKey(l, n.sym)
	}
}

// link puts a route among those of its content topic, and its key among those to be derived.
// r.mu is held.
func (r *routes) link(l *listed) {
	at := r.byTopic[l.id]
	for at != nil && at.next != nil {
		at = at.next
	}
	if at == nil {
		r.byTopic[l.id] = l
	} else {
		at.next = l
	}
	if !l.opens() {
		r.missing.waiting = append(r.missing.waiting, l.name())
	}
}

// unlink takes a route from those of its content topic, and reports whether that is no longer
// needed. r.mu is held.
func (r *routes) unlink(l *listed) (unused bool) {
	if r.byTopic[l.id] == l {
		r.byTopic[l.id] = l.next
	}
	for at := r.byTopic[l.id]; at != nil; at = at.next {
		if at.next == l {
			at.next = l.next
		}
	}
	if r.byTopic[l.id] != nil {
		return false
	}
	delete(r.byTopic, l.id)
	r.missing.held.forget(l.id)
	return true
}

// remove forgets a route and reports whether its content topic is no longer needed.
func (r *routes) remove(n route) (unused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.known[n.name()]
	if l == nil {
		return false
	}
	delete(r.known, n.name())
	return r.unlink(l)
}

// underived is the route of a symmetric topic, whose key is to be derived yet.
func underived(kind topicKind, peer key.Public, t topic.Topic) route {
	return route{kind: kind, id: t.Bytes(), peer: peer.Compact()}
}

// negotiatedRoute is the route shared with peer. One that is not known has no key yet.
func (c *Client) negotiatedRoute(a *account, peer key.Public) (r route, known bool, err error) {
	if r, known = c.routes.get(topicNegotiated, peer); known {
		return r, true, nil
	}
	shared, err := a.self.Identity.ECDH(peer)
	if err != nil {
		return route{}, false, err
	}
	return underived(topicNegotiated, peer, topic.Negotiated(shared)), false, nil
}

// contactCodeRoute is the route of somebody's contact code. One that is not known has no key
// yet, unless the contact code is awaited.
func (c *Client) contactCodeRoute(peer key.Public) (r route, known bool) {
	if r, known = c.routes.get(topicContactCode, peer); known {
		return r, true
	}
	if r, awaited := c.routes.awaits(peer); awaited {
		return r, false
	}
	return underived(topicContactCode, peer, topic.ContactCode(peer)), false
}

// listen adds routes that have just been stored.
func (c *Client) listen(rs ...route) {
	topics := make([]string, len(rs))
	for i, r := range rs {
		c.routes.add(r)
		topics[i] = r.contentTopic()
	}
	c.subscribe(topics)
	if len(rs) > 0 {
		c.kick() // keys may have to be derived
	}
}

func (c *Client) subscribe(topics []string) {
	if len(topics) == 0 {
		return
	}
	if err := c.net.Subscribe(topics...); err != nil {
		c.log.Log("warn", "subscribing failed", "error", err.Error())
	}
}

// loadRoutes reads the stored topics and subscribes to all of them.
func (c *Client) loadRoutes(a *account) error {
	partitioned := topic.Partitioned(a.public)
	all := []route{{kind: topicPartitioned, id: partitioned.Bytes(), peer: a.public.Compact()}}
	topics := []string{partitioned.ContentTopic()}
	err := c.ledger.View(func(tx Tx) error {
		return tx.Each(tableTopics, func(name, value []byte) error {
			var rec wire.TopicRecord
			if err := ledger.Decode(tableTopics, value, &rec); err != nil {
				return err
			}
			r, ok := readRoute(&rec)
			if !ok {
				return Errorf(CodeStoreCorrupt, "", "a topic does not read back")
			}
			all, topics = append(all, r), append(topics, rec.GetContentTopic())
			return nil
		})
	})
	if err != nil {
		return err
	}
	c.routes.load(all)
	return c.net.Subscribe(topics...)
}

// load begins with routes, and forgets all others. Keys are derived in an order that does not
// depend on the store, so that a simulation repeats itself.
func (r *routes) load(all []route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byTopic, r.known, r.awaited = make(map[topicID]*listed, len(all)), make(map[routeName]*listed, len(all)), nil
	r.missing.urgent, r.missing.waiting = nil, nil
	list := make([]listed, len(all)) // one piece of memory in place of thousands
	for i := range list {
		list[i].route = all[i]
		r.known[all[i].name()] = &list[i]
		r.link(&list[i])
	}
	slices.SortFunc(r.missing.waiting, func(a, b routeName) int {
		return cmp.Or(bytes.Compare(a.peer[:], b.peer[:]), cmp.Compare(a.kind, b.kind))
	})
}

// readRoute returns the route of a record; ok is false if it does not read back.
func readRoute(rec *wire.TopicRecord) (r route, ok bool) {
	id, err := topic.ParseContentTopic(rec.GetContentTopic())
	if err != nil || len(rec.GetPeer()) != len(key.Compact{}) {
		return route{}, false
	}
	kind := topicKind(rec.GetKind())
	switch kind { // the constant, since each decoded string is memory of its own
	case topicNegotiated:
		kind = topicNegotiated
	case topicContactCode:
		kind = topicContactCode
	}
	r = route{kind: kind, id: id, peer: key.Compact(rec.GetPeer())}
	if len(rec.GetKey()) == 0 { // to be derived yet
		return r, true
	}
	if len(rec.GetKey()) != len(key.Secret{}) {
		return route{}, false
	}
	r.sym = key.Secret(rec.GetKey())
	return r, true
}

// topics checks that the stored topics read back.
func (in *inspection) topics() error {
	return in.Each(tableTopics, func(name, value []byte) error {
		var rec wire.TopicRecord
		if err := ledger.Decode(tableTopics, value, &rec); err != nil {
			return err
		}
		r, ok := readRoute(&rec)
		_, isKey := key.ParseCompact(rec.GetPeer())
		if !ok || !isKey || !bytes.Equal(name, r.name().recordKey()) || !r.kind.rule().symmetric {
			in.Report(tableTopics, "a topic does not read back")
		}
		return nil
	})
}
