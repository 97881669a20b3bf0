package enum

// Of messages and what belongs to them.

// DeliveryState says how far a message has come: in order, but for a failed one, which may be queued again or turn out to be delivered.
type DeliveryState string

// The values of DeliveryState.
const (
	DeliveryQueued    DeliveryState = "queued"    // stored, and not published yet
	DeliverySent      DeliveryState = "sent"      // handed to the network, or sent by another device of ours
	DeliveryStored    DeliveryState = "stored"    // a store node has it
	DeliveryDelivered DeliveryState = "delivered" // acknowledged by a device of the recipient
	DeliveryFailed    DeliveryState = "failed"    // given up or cancelled; its failure says why
	DeliveryReceived  DeliveryState = "received"  // an incoming message
)

// MessageKind says what a message is.
type MessageKind string

// The values of MessageKind.
const (
	KindText           MessageKind = "text"
	KindEmoji          MessageKind = "emoji"  // a text of emoji only
	KindStatus         MessageKind = "status" // a text that tells how its author is
	KindSticker        MessageKind = "sticker"
	KindImage          MessageKind = "image"
	KindAudio          MessageKind = "audio"
	KindBridge         MessageKind = "bridge"          // carried over from another network
	KindCommunity      MessageKind = "community"       // an invitation to a community
	KindContactRequest MessageKind = "contact_request" // a text that asks to be a contact
	KindUnsupported    MessageKind = "unsupported"     // a type that this version does not know
)

// SendKind is the kind of a text that is sent.
type SendKind string

// The values of SendKind.
const (
	SendText   SendKind = "text"   // the default
	SendStatus SendKind = "status" // a text that tells how its author is
)

// MessageFailure is the reason a message failed.
type MessageFailure string

// The values of MessageFailure.
const (
	FailureUndeliverable MessageFailure = "undeliverable"   // no acknowledgement in 20 days 12 hours, with the default resend_base_ms
	FailureCancelled     MessageFailure = "cancelled"       // by messages.cancel
	FailureTooLarge      MessageFailure = "too_large"       // the network does not carry it, or not for all devices of the recipient
	FailureOnOtherDevice MessageFailure = "on_other_device" // it came with an archive, and was still waiting on the device that wrote it
)

// MessageWaiting is the reason a queued message cannot go.
type MessageWaiting string

// The values of MessageWaiting.
const (
	WaitingForPeer MessageWaiting = "waiting_for_peer" // a Noise handshake with its recipient is pending
)

// EvidenceKind is the kind of evidence for the state of a message.
type EvidenceKind string

// The values of EvidenceKind.
const (
	EvidenceRelay     EvidenceKind = "relay"     // passed on to mesh peers
	EvidenceLightpush EvidenceKind = "lightpush" // handed to a peer that relays it
	EvidenceExternal  EvidenceKind = "external"  // published by the program, as it says
	EvidenceMemory    EvidenceKind = "memory"    // passed on in a memory network
	EvidenceStore     EvidenceKind = "store"     // store nodes have it
	EvidenceDevice    EvidenceKind = "device"    // acknowledged by a device of the recipient
)

// MessageChange is the cause of a change of a message.
type MessageChange string

// The values of MessageChange.
const (
	MessageEdited     MessageChange = "edited"
	MessageDeleted    MessageChange = "deleted"
	MessageReaction   MessageChange = "reaction"
	MessagePinned     MessageChange = "pinned" // or unpinned
	MessageAttachment MessageChange = "attachment"
	MessageContent    MessageChange = "content" // this version of the library can read it now
	MessageExpired    MessageChange = "expired" // it is gone
)

// AttachmentKind is a picture or a recording.
type AttachmentKind string

// The values of AttachmentKind.
const (
	AttachmentImage AttachmentKind = "image"
	AttachmentAudio AttachmentKind = "audio"
)

// AttachmentState says whether the bytes of an attachment are here.
type AttachmentState string

// The values of AttachmentState.
const (
	AttachmentStored    AttachmentState = "stored"
	AttachmentUnchecked AttachmentState = "unchecked" // they are here, but are not what their sender says, are damaged, or would make a picture too large to be decoded without care
	AttachmentMissing   AttachmentState = "missing"   // they are not on this device
)

// PreviewKind is where a link leads.
type PreviewKind string

// The values of PreviewKind.
const (
	PreviewLink      PreviewKind = "link"
	PreviewImage     PreviewKind = "image"     // to a picture
	PreviewContact   PreviewKind = "contact"   // a Status link to a person
	PreviewCommunity PreviewKind = "community" // a Status link to a community
	PreviewChannel   PreviewKind = "channel"   // a Status link to a channel of a community
)

// SendPreviewKind is where a link of a message to send leads.
type SendPreviewKind string

// The values of SendPreviewKind.
const (
	SendPreviewLink    SendPreviewKind = "link"    // the default
	SendPreviewImage   SendPreviewKind = "image"   // to a picture
	SendPreviewContact SendPreviewKind = "contact" // a Status link to a person
)

// ChatChange is the cause of a change of a chat.
type ChatChange string

// The values of ChatChange.
const (
	ChatRead     ChatChange = "read"
	ChatUnread   ChatChange = "unread"
	ChatMuted    ChatChange = "muted"    // or no longer
	ChatArchived ChatChange = "archived" // or no longer
	ChatDraft    ChatChange = "draft"
	ChatCleared  ChatChange = "cleared" // and once more when the last of many messages is erased
	ChatDeleted  ChatChange = "deleted"
	ChatTimer    ChatChange = "timer"
	ChatExpired  ChatChange = "expired" // many messages of it at once
)
