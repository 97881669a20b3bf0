package chat_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"libstatus1to1/chat"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
)

// What we send is what deployed Status apps take: everything that an engine says to somebody and
// to its own other devices is opened as they open it, and held against the rules by which they
// refuse messages, and against the fields of the messages that they send themselves.

// heard is an application message of the engine under test, as a deployed app has opened it.
type heard struct {
	typ  wire.ApplicationMetadataMessage_Type
	body proto.Message
	at   time.Time // of the envelope
	own  bool      // on our own other device
}

// listener opens what is sent to mallory, and acknowledges it.
type listener struct {
	*mallory
	own   bool
	mu    sync.Mutex
	inbox []heardEnvelope
	known map[[32]byte]bool
}

type heardEnvelope struct {
	pm *wire.ProtocolMessage
	at time.Time
}

func newListener(m *mallory, own bool) *listener {
	l := &listener{mallory: m, own: own, known: map[[32]byte]bool{}}
	shared, err := m.self.Identity.ECDH(m.victim)
	if err != nil {
		m.t.Fatal(err)
	}
	negotiated := topic.SymmetricKey(topic.Negotiated(shared).Name)
	m.t.Cleanup(m.net.Tap(func(e chat.Envelope) {
		o, err := payload.OpenAsymmetric(m.self.Identity, e.Payload)
		if err != nil {
			o, err = payload.OpenSymmetric(negotiated, e.Payload)
		}
		var pm wire.ProtocolMessage
		if err != nil || o.Signer != m.victim || proto.Unmarshal(o.Data, &pm) != nil || pm.GetInstallationId() == m.self.InstallationID {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.inbox = append(l.inbox, heardEnvelope{&pm, time.Unix(0, e.Timestamp)})
	}))
	return l
}

// listen opens what has come since.
func (l *listener) listen() (all []heard) {
	l.t.Helper()
	l.mu.Lock()
	inbox := l.inbox
	l.inbox = nil
	l.mu.Unlock()
	var acks [][32]byte
	for _, e := range inbox {
		next, in, err := l.session.Receive(l.self, e.pm, time.Now(), l.source())
		if err != nil {
			continue
		}
		l.session = next
		bodies := [][]byte{in.Plaintext}
		if sync, err := datasync.Decode(in.Plaintext); err == nil {
			bodies = nil
			for _, m := range sync.Messages {
				acks, bodies = append(acks, m.ID()), append(bodies, m.Body)
			}
		}
		for _, body := range bodies {
			app, err := message.Unwrap(body)
			if err != nil {
				continue
			}
			if id := message.ID(app.Signer, body); !l.known[id] {
				l.known[id] = true
				all = append(all, opened(l.t, app, e.at, l.own))
			}
		}
	}
	if len(acks) > 0 {
		l.net.Inject(l.envelope(l.encrypted(l.sync(datasync.Payload{Acks: acks}), nil)))
	}
	return all
}

// spoken are the messages of all types that the engine says.
var spoken = map[wire.ApplicationMetadataMessage_Type]proto.Message{
	wire.ApplicationMetadataMessage_CHAT_MESSAGE:                 &wire.ChatMessage{},
	wire.ApplicationMetadataMessage_CONTACT_UPDATE:               &wire.ContactUpdate{},
	wire.ApplicationMetadataMessage_SYNC_PAIR_INSTALLATION:       &wire.SyncPairInstallation{},
	wire.ApplicationMetadataMessage_SYNC_INSTALLATION_CONTACT_V2: &wire.SyncInstallationContactV2{},
	wire.ApplicationMetadataMessage_EMOJI_REACTION:               &wire.EmojiReaction{},
	wire.ApplicationMetadataMessage_CHAT_IDENTITY:                &wire.ChatIdentity{},
	wire.ApplicationMetadataMessage_PIN_MESSAGE:                  &wire.PinMessage{},
	wire.ApplicationMetadataMessage_EDIT_MESSAGE:                 &wire.EditMessage{},
	wire.ApplicationMetadataMessage_STATUS_UPDATE:                &wire.StatusUpdate{},
	wire.ApplicationMetadataMessage_DELETE_MESSAGE:               &wire.DeleteMessage{},
	wire.ApplicationMetadataMessage_SYNC_CHAT_REMOVED:            &wire.SyncChatRemoved{},
	wire.ApplicationMetadataMessage_SYNC_CHAT_MESSAGES_READ:      &wire.SyncChatMessagesRead{},
	wire.ApplicationMetadataMessage_SYNC_CLEAR_HISTORY:           &wire.SyncClearHistory{},
	wire.ApplicationMetadataMessage_SYNC_SETTING:                 &wire.SyncSetting{},
	wire.ApplicationMetadataMessage_SYNC_PROFILE_PICTURES:        &wire.SyncProfilePictures{},
	wire.ApplicationMetadataMessage_SYNC_VERIFICATION_REQUEST:    &wire.SyncVerificationRequest{},
	wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE:   &wire.SyncDeleteForMeMessage{},
	wire.ApplicationMetadataMessage_SYNC_CHAT:                    &wire.SyncChat{},
	wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION: &wire.RequestContactVerification{},
}

func opened(t *testing.T, app message.Application, at time.Time, own bool) heard {
	t.Helper()
	shape := spoken[app.Type]
	if shape == nil {
		t.Fatalf("the engine says a %s, which this test has no rules for", app.Type)
	}
	body := shape.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(app.Payload, body); err != nil {
		t.Fatal(err)
	}
	return heard{typ: app.Type, body: body, at: at, own: own}
}

// The rules of a deployed receiver. to is who the message is for: the other person also on our own
// device.
var (
	wireID   = regexp.MustCompile(`^0x[0-9a-f]{64}$`)
	wireKey  = regexp.MustCompile(`^0x04[0-9a-f]{128}$`)
	wireName = regexp.MustCompile(`^[\w\-\s]{5,24}$`)
	wireHex  = regexp.MustCompile(`^[0-9a-f]{1,6}(-[0-9a-f]{1,6})*$`)
)

const maxAhead = 120_000 // ms

// refusal says why a deployed app refuses a message, or does something else with it than is
// meant; "" if it takes it.
func (h heard) refusal(to key.Public) string {
	inMillis := func(clock uint64) bool {
		at := uint64(h.at.UnixMilli())
		return clock > at-uint64(time.Hour/time.Millisecond) && clock <= at+maxAhead
	}
	textWrong := func(s string) bool { return strings.TrimSpace(s) == "" || utf8.RuneCountInString(s) > 4096 }
	nameWrong := func(s string) bool { return s != "" && !wireName.MatchString(s) }
	switch m := h.body.(type) {
	case *wire.ChatMessage:
		switch {
		case !inMillis(m.GetClock()) || !inMillis(m.GetTimestamp()):
			return "clock or timestamp"
		case m.GetChatId() != to.Hex():
			return "chat_id"
		case m.GetMessageType() != wire.MessageType_ONE_TO_ONE:
			return "message_type"
		case nameWrong(m.GetDisplayName()):
			return "display_name"
		case m.GetResponseTo() != "" && !wireID.MatchString(m.GetResponseTo()):
			return "response_to"
		case textWrong(m.GetText()) && (m.GetContentType() != wire.ChatMessage_IMAGE || m.GetText() != ""):
			return "text"
		case m.GetContactRequestPropagatedState() == nil:
			return "contact_request_propagated_state"
		}
		return refusedContent(m)
	case *wire.EditMessage:
		if m.GetContentType() == 0 || previewsWrong(m.GetUnfurledLinks(), m.GetUnfurledStatusLinks(), m.GetText()) || textWrong(m.GetText()) {
			return "content"
		}
		return refusedAction(m, to, inMillis(m.GetClock()))
	case *wire.DeleteMessage:
		if m.GetDeletedBy() != "" {
			return "deleted_by"
		}
		return refusedAction(m, to, inMillis(m.GetClock()))
	case *wire.PinMessage:
		return refusedAction(m, to, inMillis(m.GetClock()))
	case *wire.EmojiReaction:
		if !wireHex.MatchString(m.GetEmoji()) || m.GetType() < 0 || m.GetType() > 6 {
			return "emoji"
		}
		return refusedAction(m, to, inMillis(m.GetClock()))
	case *wire.StatusUpdate:
		if now := uint64(h.at.Unix()); m.GetClock() < now-60 || m.GetClock() > now+60 || m.GetStatusType() == 0 || utf8.RuneCountInString(m.GetCustomText()) > 128 {
			return "clock in seconds, status_type or custom_text"
		}
	case *wire.ContactUpdate:
		if !inMillis(m.GetClock()) || nameWrong(m.GetDisplayName()) || !wireKey.MatchString(m.GetPublicKey()) || m.GetContactRequestPropagatedState() == nil {
			return "clock, display_name, public_key or state"
		}
	case *wire.ChatIdentity:
		if m.GetClock() == 0 || nameWrong(m.GetDisplayName()) {
			return "clock or display_name"
		}
	case *wire.RequestContactVerification:
		if !inMillis(m.GetClock()) || m.GetChallenge() == "" {
			return "clock or challenge"
		}
	default:
		return h.refusedSync(to, inMillis)
	}
	return ""
}

type addressedTo interface {
	GetChatId() string
	GetMessageId() string
	GetMessageType() wire.MessageType
}

func refusedAction(m addressedTo, to key.Public, clockRight bool) string {
	switch {
	case !clockRight:
		return "clock"
	case m.GetChatId() != to.Hex():
		return "chat_id"
	case !wireID.MatchString(m.GetMessageId()):
		return "message_id"
	case m.GetMessageType() != wire.MessageType_ONE_TO_ONE:
		return "message_type"
	}
	return ""
}

// refusedContent is refusal for what belongs to a content type.
func refusedContent(m *wire.ChatMessage) string {
	if previewsWrong(m.GetUnfurledLinks(), m.GetUnfurledStatusLinks(), m.GetText()) {
		return "previews"
	}
	switch m.GetContentType() {
	case wire.ChatMessage_TEXT_PLAIN, wire.ChatMessage_EMOJI, wire.ChatMessage_STATUS, wire.ChatMessage_CONTACT_REQUEST:
		return mentionsWrong(m.GetText())
	case wire.ChatMessage_STICKER:
		if m.GetSticker().GetHash() == "" || m.GetText() != "Update to latest version to see a nice sticker here!" {
			return "sticker"
		}
	case wire.ChatMessage_IMAGE:
		i := m.GetImage()
		magic := map[wire.ImageFormat]string{wire.ImageFormat_PNG: "\x89PNG", wire.ImageFormat_JPEG: "\xff\xd8\xff", wire.ImageFormat_WEBP: "RIFF", wire.ImageFormat_GIF: "GIF8"}[i.GetFormat()]
		switch {
		case magic == "" || !strings.HasPrefix(string(i.GetPayload()), magic):
			return "format"
		case len(i.GetPayload()) > 400_000 || i.GetWidth() == 0 || i.GetHeight() == 0:
			return "size"
		case (i.GetAlbumId() == "") != (i.GetAlbumImagesCount() == 0) || i.GetAlbumImagesCount() == 1:
			return "album"
		}
	case wire.ChatMessage_AUDIO:
		a := m.GetAudio()
		if a.GetType() != wire.AudioMessage_AAC || !strings.HasPrefix(string(a.GetPayload()), "\xff\xf1") || a.GetDurationMs() == 0 {
			return "audio"
		}
	default:
		return "content_type"
	}
	return ""
}

// mentionsWrong says where a key after an @ is not seen to end.
func mentionsWrong(said string) string {
	for at := 0; ; {
		i := strings.Index(said[at:], "@0x04")
		if i < 0 {
			return ""
		}
		at += i + len("@0x") + 2*key.UncompressedSize
		if at > len(said) || at < len(said) && !strings.ContainsRune(" \t\n\v\f\r.,:;!?", rune(said[at])) {
			return "a mention does not end"
		}
	}
}

func previewsWrong(links []*wire.UnfurledLink, status *wire.UnfurledStatusLinks, said string) bool {
	for _, l := range links {
		picture := len(l.GetThumbnailPayload()) > 0
		if l.GetUrl() == "" || !strings.Contains(said, l.GetUrl()) || l.GetType() == wire.UnfurledLink_LINK && l.GetTitle() == "" ||
			picture != (l.GetThumbnailWidth() > 0) || picture != (l.GetThumbnailHeight() > 0) || len(l.GetThumbnailPayload()) > 350<<10 {
			return true
		}
	}
	for _, l := range status.GetUnfurledStatusLinks() {
		if !strings.Contains(said, l.GetUrl()) || len(l.GetContact().GetPublicKey()) != 33 {
			return true
		}
	}
	return len(links) > 5
}

// refusedSync is refusal for what only own devices are told.
func (h heard) refusedSync(to key.Public, inMillis func(uint64) bool) string {
	if !h.own {
		return "it is for own devices only"
	}
	switch m := h.body.(type) {
	case *wire.SyncPairInstallation:
		if !inMillis(m.GetClock()) || m.GetName() == "" || m.GetDeviceType() == "" || m.GetInstallationId() == "" {
			return "clock, name, device_type or installation_id"
		}
	case *wire.SyncInstallationContactV2:
		if m.GetId() != to.Hex() || m.GetContactRequestLocalState() > 4 || m.GetContactRequestRemoteState() > 3 {
			return "id or state"
		}
	case *wire.SyncChat:
		own := m.GetOwn() != nil
		if !inMillis(m.GetClock()) || m.GetChatType() != 1 || !own && m.GetId() != to.Hex() || own && m.GetActive() {
			return "clock, chat_type, id, or the chat with oneself is shown"
		}
	case *wire.SyncChatRemoved:
		if !inMillis(m.GetClock()) || m.GetId() != to.Hex() || m.GetClock() < m.GetDeletedClock() {
			return "clock or id"
		}
	case *wire.SyncChatMessagesRead:
		if !inMillis(m.GetClock()) || m.GetId() != to.Hex() {
			return "clock or id"
		}
	case *wire.SyncClearHistory:
		if !inMillis(m.GetClearedAt()) || m.GetChatId() != to.Hex() {
			return "clock or id"
		}
	case *wire.SyncSetting:
		if seconds := m.GetType() == 13; m.GetType() != 13 && m.GetType() != 14 || inMillis(m.GetClock()) == seconds || seconds && !wireName.MatchString(m.GetValueString()) {
			return "type, clock or value"
		}
	case *wire.SyncProfilePictures:
		for _, p := range m.GetPictures() {
			if p.GetName() != "thumbnail" && p.GetName() != "large" || len(p.GetPayload()) == 0 || !inMillis(p.GetClock()) {
				return "picture"
			}
		}
	case *wire.SyncDeleteForMeMessage:
		if !inMillis(m.GetClock()) || !wireID.MatchString(m.GetMessageId()) {
			return "clock or message_id"
		}
	case *wire.SyncVerificationRequest:
		if !inMillis(m.GetRequestedAt()) || !wireKey.MatchString(m.GetFrom()) || !wireKey.MatchString(m.GetTo()) || m.GetId() == "" {
			return "clock, from, to or id"
		}
	default:
		return "no rule"
	}
	return ""
}

// group names messages that have the same fields in the vectors.
func group(typ wire.ApplicationMetadataMessage_Type, m proto.Message) string {
	switch m := m.(type) {
	case *wire.ChatMessage:
		return fmt.Sprint(typ, " ", m.GetContentType())
	case *wire.SyncSetting:
		return fmt.Sprint(typ, " ", m.GetType())
	}
	return typ.String()
}

// shapes writes the fields of a message that are there, with the shape of their values: which
// unit a clock has, and whether a text is a key or an id.
func shapes(m protoreflect.Message, path string, into map[string]string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := path + string(f.Name())
		switch {
		case f.IsMap():
			into[name] = "map"
		case f.IsList():
			into[name] = "list"
		case f.Message() != nil:
			into[name] = "message"
			shapes(v.Message(), name+".", into)
		case f.Kind() == protoreflect.StringKind:
			into[name] = shapeOf(v.String())
		case f.Kind() == protoreflect.Uint64Kind || f.Kind() == protoreflect.Int64Kind:
			into[name] = "number"
			if n := v.Interface(); fmt.Sprint(n) > "1" && len(fmt.Sprint(n)) == 13 {
				into[name] = "ms"
			} else if len(fmt.Sprint(n)) == 10 {
				into[name] = "s"
			}
		default:
			into[name] = f.Kind().String()
		}
		return true
	})
}

func shapeOf(s string) string {
	switch {
	case wireID.MatchString(s):
		return "id"
	case wireKey.MatchString(s):
		return "key"
	}
	return "text"
}

// fieldsOf are the fields of a group in the vectors: in one of its messages, and in all of them.
type fieldsOf struct {
	shapes map[string][]string
	always map[string]bool
}

func recordedFields(t *testing.T) map[string]fieldsOf {
	t.Helper()
	all := map[string]fieldsOf{}
	for _, r := range vectors.ReadApplication(t).Messages {
		typ := wire.ApplicationMetadataMessage_Type(r.Type)
		if spoken[typ] == nil {
			continue
		}
		m := spoken[typ].ProtoReflect().New()
		if err := proto.Unmarshal(r.Payload, m.Interface()); err != nil {
			t.Fatal(err)
		}
		has := map[string]string{}
		shapes(m, "", has)
		name := group(typ, m.Interface())
		f, known := all[name]
		if !known {
			f = fieldsOf{map[string][]string{}, map[string]bool{}}
			for field := range has {
				f.always[field] = true
			}
			all[name] = f
		}
		for field, shape := range has {
			f.shapes[field] = append(f.shapes[field], shape)
		}
		maps.DeleteFunc(f.always, func(field string, _ bool) bool { return has[field] == "" })
	}
	return all
}
