package chat

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/agree"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What other devices of ours say about people, chats, the profile and questions. It counts
// only from a device that the user has enabled here: whoever has the key of the identity can
// sign all else. Of somebody else such messages are dropped.
// Spec: 62/STATUS-PAYLOADS leaves them out; deployed.

// syncTypes are the messages of own devices that are read, with an empty body of each.
var syncTypes = map[wire.ApplicationMetadataMessage_Type]func() proto.Message{
	wire.ApplicationMetadataMessage_SYNC_INSTALLATION_CONTACT_V2:   func() proto.Message { return &wire.SyncInstallationContactV2{} },
	wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_ACCEPTED:  func() proto.Message { return &wire.SyncActivityCenterAccepted{} },
	wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_DISMISSED: func() proto.Message { return &wire.SyncActivityCenterDismissed{} },
	wire.ApplicationMetadataMessage_SYNC_SETTING:                   func() proto.Message { return &wire.SyncSetting{} },
	wire.ApplicationMetadataMessage_SYNC_PROFILE_PICTURES:          func() proto.Message { return &wire.SyncProfilePictures{} },
	wire.ApplicationMetadataMessage_SYNC_TRUSTED_USER:              func() proto.Message { return &wire.SyncTrustedUser{} },
	wire.ApplicationMetadataMessage_SYNC_VERIFICATION_REQUEST:      func() proto.Message { return &wire.SyncVerificationRequest{} },
	wire.ApplicationMetadataMessage_SYNC_CONTACT_REQUEST_DECISION:  func() proto.Message { return &wire.SyncContactRequestDecision{} },
	wire.ApplicationMetadataMessage_SYNC_CHAT_REMOVED:              func() proto.Message { return &wire.SyncChatRemoved{} },
	wire.ApplicationMetadataMessage_SYNC_CHAT_MESSAGES_READ:        func() proto.Message { return &wire.SyncChatMessagesRead{} },
	wire.ApplicationMetadataMessage_SYNC_CLEAR_HISTORY:             func() proto.Message { return &wire.SyncClearHistory{} },
	wire.ApplicationMetadataMessage_SYNC_CHAT:                      func() proto.Message { return &wire.SyncChat{} },
}

// syncIgnored are the other messages that only own devices send. There is nothing here that
// they are about: notifications as such, wallet, communities, groups, accounts.
var syncIgnored = []wire.ApplicationMetadataMessage_Type{
	wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_READ, wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_DELETED,
	wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_UNREAD, wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_COMMUNITY_REQUEST_DECISION,
	wire.ApplicationMetadataMessage_SYNC_INSTALLATION_ACCOUNT, wire.ApplicationMetadataMessage_SYNC_INSTALLATION_COMMUNITY,
	wire.ApplicationMetadataMessage_SYNC_BOOKMARK, wire.ApplicationMetadataMessage_SYNC_ACCOUNT,
	wire.ApplicationMetadataMessage_SYNC_COMMUNITY_SETTINGS, wire.ApplicationMetadataMessage_SYNC_SAVED_ADDRESS,
	wire.ApplicationMetadataMessage_SYNC_KEYPAIR, wire.ApplicationMetadataMessage_SYNC_ENS_USERNAME_DETAIL,
	wire.ApplicationMetadataMessage_SYNC_ACCOUNT_CUSTOMIZATION_COLOR, wire.ApplicationMetadataMessage_SYNC_ACCOUNTS_POSITIONS,
	wire.ApplicationMetadataMessage_SYNC_TOKEN_PREFERENCES, wire.ApplicationMetadataMessage_SYNC_COLLECTIBLE_PREFERENCES,
	wire.ApplicationMetadataMessage_SYNC_PROFILE_SHOWCASE_PREFERENCES, wire.ApplicationMetadataMessage_SYNC_THREAD_MESSAGES_READ,
}

// maxAgreedPeople bounds the people whom own devices may bring here, together with those who
// are known: more than anybody knows, and some 20 MB.
const maxAgreedPeople = 20000

// ownSync is a message of another device of ours, read before the transaction.
type ownSync struct {
	body proto.Message
	// person is whom it is about, zero for nobody; routes are their topics that we do not
	// listen to yet.
	person key.Public
	routes []route
}

// readSync reads a message of another device of ours; nil if it is none that is read. It
// changes nothing: it runs on several goroutines, since deriving topics takes long.
func (p *pass) readSync(am *applicationMessage) *ownSync {
	empty := syncTypes[am.app.Type]
	if empty == nil || am.from.sender != p.a.public {
		return nil
	}
	s := &ownSync{body: empty()}
	if proto.Unmarshal(am.app.Payload, s.body) != nil {
		return nil
	}
	named := ""
	switch m := s.body.(type) {
	case *wire.SyncContactRequestDecision:
		named = m.GetContactId()
	case *wire.SyncVerificationRequest:
		if named = m.GetFrom(); named == p.a.public.Hex() {
			named = m.GetTo()
		}
	case *wire.SyncClearHistory:
		named = m.GetChatId()
	case interface{ GetId() string }:
		named = m.GetId()
	default:
		return s
	}
	k, err := message.ChatOf(p.a.public, p.a.public, named)
	if err != nil {
		return nil
	}
	if s.person = k; k == p.a.public {
		return s
	}
	if s.routes, err = p.routesOf(k, s.body); err != nil {
		return nil
	}
	return s
}

// routesOf are the topics of a person that a message may have us listen to.
func (p *pass) routesOf(k key.Public, body proto.Message) ([]route, error) {
	if m, ok := body.(*wire.SyncInstallationContactV2); ok && !m.GetBlocked() {
		return p.c.contactRoutes(p.a, k)
	}
	r, known, err := p.c.negotiatedRoute(p.a, k)
	if err != nil || known {
		return nil, err
	}
	return []route{r}, nil
}

// fromOwn reports whether a message comes from a device of ours that the user has enabled. One
// that may still be enabled has it refused, so that it comes again.
func (p *pass) fromOwn(am *applicationMessage) bool {
	if am.from.sender != p.a.public {
		p.c.counters.drop("sync_signer")
		am.marked = true
		return false
	}
	own, err := p.peer(p.a.public)
	if err != nil {
		p.refuse(am.body)
		return false
	}
	in, found := own.Find(am.from.in.InstallationID)
	switch {
	case found && !in.Disabled:
		am.marked = true
		return true
	case found && in.Decided: // not marked: an enabled device may have signed the same
	default:
		p.refuse(am.body)
	}
	p.c.counters.drop("sync_device")
	return false
}

// ownSync handles what only own devices send; it returns false for other types.
func (p *pass) ownSync(am *applicationMessage) bool {
	typ := am.app.Type
	if syncTypes[typ] == nil && !slices.Contains(syncIgnored, typ) {
		return false
	}
	if !p.fromOwn(am) || syncTypes[typ] == nil {
		return true
	}
	s, at := am.sync, p.judged(am.from)
	if s == nil {
		p.c.counters.drop("application")
		return true
	}
	p.apply(am, func(r lookup) (func(*txn) error, error) { return p.judgeSync(r, am, s, at) })
	return true
}

// judgeSync accepts a message of an own device. A clock that is too far ahead has it come
// again: it would win for as long.
func (p *pass) judgeSync(r lookup, am *applicationMessage, s *ownSync, at time.Time) (func(*txn) error, error) {
	c, latest := p.c, message.LatestClock(at)
	if agree.LatestIn(s.body) > latest {
		c.counters.drop("sync_clock")
		return nil, errLater
	}
	if _, known := c.people.contacts.get(s.person); !s.person.IsZero() && s.person != p.a.public && !known && !c.people.contacts.roomForAgreed() {
		c.counters.drop("sync_people")
		return nil, errLater
	}
	switch m := s.body.(type) {
	case *wire.SyncInstallationContactV2:
		write, err := c.judgePerson(r, s, agree.PersonSaid(m, MaxName), m.GetCard() != nil)
		return p.muted(s.person, m, write), err
	case *wire.SyncTrustedUser:
		return c.judgePerson(r, s, agree.TrustSaid(m), false)
	case *wire.SyncContactRequestDecision:
		return c.judgeDecision(r, s.person, s.routes, m.GetRequestId(), m.GetDecisionStatus() == wire.SyncContactRequestDecision_ACCEPTED)
	case *wire.SyncActivityCenterAccepted:
		return c.judgeNotified(r, m.GetIds(), true)
	case *wire.SyncActivityCenterDismissed:
		return c.judgeNotified(r, m.GetIds(), false)
	case *wire.SyncVerificationRequest:
		return c.judgeOwnQuestion(r, s, agree.QuestionSaid(p.a.public, s.person, m), m.GetQuestion() != nil)
	case *wire.SyncChat:
		if s.person == p.a.public && m.GetOwn() != nil {
			return func(t *txn) error { return p.agreeProfile(t, m.GetOwn()) }, nil
		}
		return func(t *txn) error { return t.agreeChat(s, m.GetChat(), true) }, nil
	case *wire.SyncChatMessagesRead:
		return func(t *txn) error {
			return t.agreeChat(s, &wire.OwnChat{ReadClock: m.GetClock(), ReadId: endOf}, false)
		}, nil
	case *wire.SyncClearHistory:
		return func(t *txn) error { return t.agreeChat(s, &wire.OwnChat{ClearedClock: m.GetClearedAt()}, false) }, nil
	case *wire.SyncChatRemoved:
		return func(t *txn) error {
			return t.agreeChat(s, &wire.OwnChat{DeletedClock: cmp.Or(m.GetDeletedClock(), m.GetClock())}, false)
		}, nil
	case *wire.SyncSetting:
		return func(t *txn) error { return t.agreeSetting(am.from.in.InstallationID, m) }, nil
	case *wire.SyncProfilePictures:
		return func(t *txn) error { return t.agreePicture(m) }, nil
	}
	return nil, nil
}

// judgePerson joins the state of a person from another device of ours with the state here.
// With whole it has all the registers, so whatever it lacks is sent to the device.
func (c *Client) judgePerson(r reader, s *ownSync, said *wire.ContactRecord, whole bool) (func(*txn) error, error) {
	k := s.person
	if k == c.self.Load().public {
		return nil, nil
	}
	before, err := contactRecord(r, k)
	if err != nil {
		return nil, err
	}
	next, behind := contact.JoinRecords(before, said)
	return func(t *txn) error {
		if err := t.storeAgreed(k, before, next, s.routes); err != nil || !behind || !whole {
			return err
		}
		return t.agreedPerson(k)
	}, nil
}

// storeAgreed stores a person after what another device of ours has said.
func (t *txn) storeAgreed(k key.Public, before, next *wire.ContactRecord, routes []route) error {
	if err := t.knowAgreed(k, routes); err != nil || proto.Equal(before, next) {
		return err
	}
	if next.GetBlockedAt() != 0 && before.GetBlockedAt() == 0 {
		next.Familiar = next.GetFamiliar() || standingOf(before).familiar()
	}
	routes = slices.DeleteFunc(slices.Clone(routes), func(r route) bool { return r.kind == topicContactCode && !next.GetAdded() })
	if err := t.storeChange(k, before, next, routes); err != nil {
		return err
	}
	if was, is := requestOf(before), requestOf(next); is.Pending() && !was.Pending() && next.GetBlockedAt() == 0 {
		return t.Emit(event.ContactRequestReceived{Contact: contactOf(next)})
	}
	return nil
}

// knowAgreed makes sure that somebody whom another device of ours tells of has a record, and
// that we listen on the topic shared with them.
func (t *txn) knowAgreed(k key.Public, routes []route) error {
	if b, err := t.Get(tableContacts, k.Compressed()); err != nil || b != nil {
		return err
	}
	for _, r := range routes {
		if r.kind == topicContactCode {
			continue
		}
		if err := r.store(t); err != nil {
			return err
		}
		t.After(func() { t.c.listen(r) })
	}
	return t.changeContact(k, func(*wire.ContactRecord) bool { return true })
}

// defaultRequest ends the id of a request whose message a deployed client does not have: the
// uncompressed key of the person, then this.
const defaultRequest = 0x20

// judgeDecision takes the answer to a contact request that was given on another device. It
// is our half of the requests, right after their request; the clock of the message does
// not count: deployed clients tell old answers with a new clock. An answer to a request
// that has not come here yet comes again.
func (c *Client) judgeDecision(r reader, k key.Public, routes []route, request string, accepted bool) (func(*txn) error, error) {
	before, err := contactRecord(r, k)
	if err != nil {
		return nil, err
	}
	standing := requestOf(before)
	digits := strings.TrimPrefix(request, "0x")
	switch isDefault := len(digits) > 64; {
	case !standing.AddedUs() && standing.Remote.Clock == 0:
		return nil, errLater
	case !standing.AddedUs(), !isDefault && len(before.GetRequestId()) > 0 && event.Hex(before.GetRequestId()) != "0x"+digits:
		return nil, nil // it was taken back, or they have asked again
	}
	state := contact.Dismissed
	if accepted {
		state = contact.Sent
	}
	next := proto.CloneOf(before)
	setRequest(next, standing.Join(contact.Request{Local: contact.Half{State: state, Clock: standing.Remote.Clock + 1}, Remote: standing.Remote}))
	return func(t *txn) error {
		if err := t.storeAgreed(k, before, next, routes); err != nil || proto.Equal(before, next) {
			return err
		}
		return t.agreedPerson(k)
	}, nil
}

// maxNotified bounds the notifications that are looked at of one message.
const maxNotified = 256

// judgeNotified takes answers to contact requests that come as notifications. Those about
// anything else, and about requests that are not here, have no effect.
func (c *Client) judgeNotified(r reader, ids [][]byte, accepted bool) (func(*txn) error, error) {
	var writes []func(*txn) error
	for _, id := range ids[:min(len(ids), maxNotified)] {
		k, request, err := c.notifiedOf(r, id)
		if err != nil {
			return nil, err
		}
		if k.IsZero() {
			continue
		}
		write, err := c.judgeDecision(r, k, nil, request, accepted)
		if err == nil && write != nil {
			writes = append(writes, write)
		} else if err != nil && err != errLater {
			return nil, err
		}
	}
	if len(writes) == 0 {
		return nil, nil
	}
	return func(t *txn) error {
		for _, write := range writes {
			if err := write(t); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// notifiedOf finds whose contact request a notification is about; the zero key if it is about
// none.
func (c *Client) notifiedOf(r reader, id []byte) (key.Public, string, error) {
	switch len(id) {
	case key.UncompressedSize + 1:
		if k, err := key.ParsePublic(id[:key.UncompressedSize]); err == nil && id[key.UncompressedSize] == defaultRequest {
			return k, event.Hex(id), nil
		}
	case 32:
		var asked wire.MessageRecord
		found, err := read(r, tableMessages, id, &asked)
		if err != nil || !found || asked.GetOutgoing() || asked.GetKind() != message.KindContactRequest {
			return key.Public{}, "", err
		}
		k, err := message.ConversationID(asked.GetChat()).Public()
		if err == nil {
			return k, event.Hex(id), nil
		}
	}
	return key.Public{}, "", nil
}

// judgeOwnQuestion takes how far a question has come on another device of ours.
func (c *Client) judgeOwnQuestion(r reader, s *ownSync, said *wire.VerificationRecord, whole bool) (func(*txn) error, error) {
	if said == nil {
		c.counters.drop("verification")
		return nil, nil
	}
	if _, known := c.people.contacts.get(s.person); !known {
		return nil, errLater // who it is about is told too
	}
	name := verificationName(said)
	have := &wire.VerificationRecord{}
	if _, err := read(r, tableVerifications, name, have); err != nil {
		return nil, err
	}
	switch {
	case agree.LaterQuestion(have, said):
		return func(t *txn) error { return t.putVerification(name, said) }, nil
	case whole && agree.LaterQuestion(said, have):
		return func(t *txn) error { return t.agreed(agree.Question(name)) }, nil
	}
	return nil, nil
}

// ownDevice reads what is known of an installation of ours beside its keys.
func ownDevice(tx Tx, installation string) (*wire.AgreedDeviceRecord, bool, error) {
	rec := &wire.AgreedDeviceRecord{}
	found, err := ledger.Get(tx, tableDevices, []byte(installation), rec)
	return rec, found, err
}
