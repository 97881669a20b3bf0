package event

import "libstatus1to1/chat/enum"

// Message is one message of a conversation.
type Message struct {
	ID     string `json:"message_id"` // 0x + 32 bytes: keccak256(sender key || application message)
	ChatID string `json:"chat_id"`    // the other person's uncompressed key, 0x04...
	// From is the public key of the author.
	From     string `json:"from"`
	Outgoing bool   `json:"outgoing"`
	// Kind is "text", "emoji" (a text of emoji only), "status" (a text that tells how its
	// author is), "sticker", "image", "audio", "bridge" (carried over from another network),
	// "contact_request" (a text that asks to be a contact) or "unsupported" (a type this
	// version does not know).
	Kind enum.MessageKind `json:"kind"`
	Text string           `json:"text"`
	// Clock is the Lamport clock of the message (62/STATUS-PAYLOADS), in ms; it orders
	// the messages of the conversation. A clock too far ahead of our time is replaced
	// by the clock of the newest message at arrival.
	Clock uint64 `json:"clock"`
	// ClockSkew is how far the sender's clock is ahead of our time, in ms. It is set if
	// that is more than two minutes and the conversation is not as far ahead: one of
	// the two clocks is wrong.
	ClockSkew int64 `json:"clock_skew,omitempty"`
	// SentAt is the time of sending, by the sender's clock.
	SentAt int64 `json:"sent_at"`
	// ReceivedAt is the time of arrival, by our clock; 0 for messages sent from this device.
	ReceivedAt int64 `json:"received_at"`
	// State is "queued", "sent" (handed to the network), "stored" (a store node has it;
	// only where there are store nodes, and left out if it is delivered sooner), "delivered"
	// or "failed" for an outgoing message and "received" for an incoming one. It moves
	// through these in order, with two exceptions: a failed message that is sent again, by
	// messages.retry or because its recipient is back, is "queued"; and a failed message
	// that is acknowledged after all is "delivered".
	State enum.DeliveryState `json:"state"`
	// Evidence shows what the state of an outgoing message is based on.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Failure is the reason a message failed: "undeliverable" (no acknowledgement in 20
	// days 12 hours, with the default resend_base_ms: the recipient is away or does not
	// accept it), "cancelled" (by messages.cancel) or "too_large" (the network does not
	// carry it, or not for all devices of the recipient). Undeliverable messages are sent
	// again when their recipient is back: the last 100 of each person, up to 70 days after
	// they failed and up to 3 times.
	Failure enum.MessageFailure `json:"failure,omitempty"`
	// Waiting is "waiting_for_peer" while a queued message cannot go because a Noise handshake
	// with its recipient is pending (key_exchange of the contact). It is left out otherwise.
	Waiting   enum.MessageWaiting `json:"waiting,omitempty"`
	ClientRef string              `json:"client_ref,omitempty"`
	// SenderName is the display name sent with the message. It is not verified.
	SenderName string `json:"sender_name,omitempty"`
	// ApplicationType is the number of the message's type in
	// ApplicationMetadataMessage, if kind is "unsupported".
	ApplicationType int32 `json:"application_type,omitempty"`
	Read            bool  `json:"read"`
	// Request is true while the message waits in a chat request (engine.strangers is
	// "request"). It is reported by a message_received event when its sender is
	// accepted, added or written to.
	Request bool `json:"request,omitempty"`
	// BeforeDevice is true if, by the sender's signed clock, the message was written
	// before this device was set up, and it is encrypted for any device of ours.
	// Another device may have received it long ago, and somebody may have recorded it
	// and published it again.
	BeforeDevice bool `json:"before_device,omitempty"`
	// Devices are the devices that have an outgoing message. messages.get also lists
	// those it is still being sent to.
	Devices []MessageDevice `json:"devices,omitempty"`

	// ReplyTo is the id of the message that this one answers; it may be one that is not here.
	ReplyTo string `json:"reply_to,omitempty"`
	// Edited is the clock of the latest edit by the author, in ms; null if there is none.
	Edited *int64 `json:"edited" nullable:"true"`
	// Edits are the texts before the edits, oldest first, if engine.keep_edits is set.
	Edits []Edit `json:"edits,omitempty"`
	// Deleted is null unless the message was deleted. Then its text is empty, and nothing is
	// left of its attachments, reactions and edits.
	Deleted *Deletion `json:"deleted" nullable:"true"`
	// Reactions are those of both people, oldest first.
	Reactions []Reaction `json:"reactions,omitempty"`
	// Pinned is true if one of the two has pinned the message.
	Pinned bool `json:"pinned"`
	// Mentions are the people named in the text.
	Mentions []Mention `json:"mentions,omitempty"`
	// Previews are descriptions of links in the text, made by its author and not checked.
	Previews []Preview `json:"previews,omitempty"`
	// Attachments are the pictures and recordings of the message.
	Attachments []Attachment `json:"attachments,omitempty"`
	// Album names the messages that show the pictures of one album.
	Album string `json:"album_id,omitempty"`
	// Sticker is set if kind is "sticker".
	Sticker *Sticker `json:"sticker,omitempty"`
	// Bridge is set if kind is "bridge".
	Bridge *Bridge `json:"bridge,omitempty"`
	// ThreadID names the thread the author wrote in, for programs that show threads.
	ThreadID string `json:"thread_id,omitempty"`
	// ExpiresAt is when the message is erased, in ms; left out if it stays.
	ExpiresAt int64 `json:"expires_at,omitempty"`
}

// Edit is the text of a message before an edit.
type Edit struct {
	Text string `json:"text"`
	At   int64  `json:"at"` // when that text was written, by its author's clock, in ms
}

// Deletion says who deleted a message.
type Deletion struct {
	At int64 `json:"at"` // when, in ms
	// By is the public key of who deleted it: its author, or the user of this device.
	By string `json:"by"`
	// ForEveryone is true if its author deleted it for both people.
	ForEveryone bool `json:"for_everyone"`
}

// Reaction is an emoji that somebody put under a message.
type Reaction struct {
	Emoji string `json:"emoji"`
	From  string `json:"from"` // public key, 0x04...
	At    int64  `json:"at"`   // when, by that person's clock, in ms
}

// Mention is a person named in a text.
type Mention struct {
	From   int `json:"from"`   // where it begins, in code points
	Length int `json:"length"` // in code points
	// Key is the public key of the person, "" if everyone is named.
	Key string `json:"key"`
}

// Preview describes the target of a link, as the author of the message gave it.
type Preview struct {
	URL string `json:"url"`
	// Kind is "link", "image", "contact", "community" or "channel": the last three are links
	// of the Status app.
	Kind        enum.PreviewKind `json:"kind"`
	Title       string           `json:"title,omitempty"`
	Description string           `json:"description,omitempty"`
	// Key is the public key of the person, if kind is "contact".
	Key string `json:"key,omitempty"`
	// Thumbnail is a picture of at most 4096 bytes, in base64.
	Thumbnail []byte `json:"thumbnail,omitempty"`
	// ThumbnailID names a larger picture, for attachments.read.
	ThumbnailID     string `json:"thumbnail_id,omitempty"`
	ThumbnailWidth  int    `json:"thumbnail_width,omitempty"`
	ThumbnailHeight int    `json:"thumbnail_height,omitempty"`
}

// Attachment is a picture or a recording of a message.
type Attachment struct {
	ID string `json:"attachment_id"`
	// Kind is "image" or "audio".
	Kind enum.AttachmentKind `json:"kind"`
	Name string              `json:"name"` // a file name; the network carries none, so that of a received one is made up
	MIME string              `json:"mime"`
	Size int64               `json:"size"` // bytes
	// Width is that of a picture, in pixels, and so is the height.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
	// DurationMS is of recordings only, as their author says.
	DurationMS int64 `json:"duration_ms,omitempty"`
	// Thumbnail is a JPEG of at most 4096 bytes and 128 pixels a side, in base64. That of a
	// received picture is made by attachments.preview.
	Thumbnail []byte `json:"thumbnail,omitempty"`
	// Blurhash is a few characters that a blurred picture is drawn from. It comes with the
	// thumbnail.
	Blurhash string `json:"blurhash,omitempty"`
	// State is "stored"; "unchecked" if its bytes are here, but are not what its author says, are
	// damaged, or would make a picture too large to be decoded without care; or "missing" if its
	// bytes are not on this device: a sync of devices brings the newest 16 MiB only.
	State enum.AttachmentState `json:"state"`
}

// Sticker names a picture of a pack. The picture itself is not in the message.
type Sticker struct {
	Hash string `json:"hash"`
	Pack int32  `json:"pack"`
}

// Bridge names the author of a message that comes from another network.
type Bridge struct {
	Network string `json:"network"`
	User    string `json:"user"`
	UserID  string `json:"user_id,omitempty"`
}

// MessageDevice is a device, and whether it has received a message.
type MessageDevice struct {
	Installation string `json:"installation_id"`
	// Own is true for the other devices of our own identity.
	Own bool `json:"own"`
	// AcknowledgedAt is the time the device acknowledged the message, in ms; 0 if it
	// has not yet.
	AcknowledgedAt int64 `json:"acknowledged_at"`
}
