package chat

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"io"
	"slices"

	"github.com/google/uuid"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/attachments"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/media"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// Pictures and recordings. Each is in a ChatMessage of its own; several pictures that are sent
// together are an album, whose messages have the same text. Their bytes are kept by package
// attachments, and looked at by package media.

const (
	// MaxAttachments bounds the pictures of an album: twice what the Status app sends.
	MaxAttachments = 10
	// MaxAttachmentBytes bounds a picture or a recording as it is sent.
	MaxAttachmentBytes = media.MaxBytes
	// MaxAttachmentInput bounds a picture before it is made smaller.
	MaxAttachmentInput = media.MaxInput
	// maxAlbumBytes bounds the pictures of an album together, as they are sent: they are stored
	// in one transaction, which is held in memory.
	maxAlbumBytes = 24 << 20
	// MaxAttachmentPart bounds what ReadAttachment returns.
	MaxAttachmentPart = 1 << 20
)

// AttachmentRequest is a picture or a recording to send.
type AttachmentRequest struct {
	Data []byte
	// Name is a file name, for the lists of this device: the network carries none.
	Name string
	// Original: a picture is sent as it is, but for its metadata.
	Original bool
	// DurationMS is the length of a recording; 0 is what its frames say.
	DurationMS int64
}

// attaching makes a content of each attachment of a request, which all have the text and what
// it answers. It decodes pictures, which takes a while.
// Spec: 62/STATUS-PAYLOADS, "Message", "Image"; deployed (albums).
func (c *Client) attaching(r SendRequest, p message.ChatParams) (all []content, err error) {
	album, sum := "", 0
	if len(r.Attachments) > 1 {
		id, err := uuid.NewRandomFromReader(c.rand)
		if err != nil {
			return nil, err
		}
		album = id.String()
	}
	for i, given := range r.Attachments {
		prepared, err := media.Prepare(given.Data, given.Original)
		if err != nil {
			return nil, badAttachment(i, err)
		}
		if len(r.Attachments) > 1 && prepared.Format.IsAudio() {
			return nil, Errorf(CodeBadAttachment, "attachments", "a recording goes alone").With("index", i).With("cause", "album")
		}
		if sum += len(prepared.Data); sum > maxAlbumBytes {
			return nil, Errorf(CodeTooLarge, "attachments", "the pictures have more than %d bytes together", maxAlbumBytes).With("max", maxAlbumBytes)
		}
		next := content{params: p, describe: func(rec *wire.MessageRecord) { describeOwn(rec, given, prepared) }}
		if prepared.Format.IsAudio() {
			next.params.Audio = &wire.AudioMessage{
				Payload: prepared.Data, Type: attachments.AudioType(prepared.Format), DurationMs: durationOf(given, prepared),
			}
		} else {
			next.params.Image = &wire.ImageMessage{
				Payload: prepared.Data, Format: attachments.PictureFormat(prepared.Format), AlbumId: album,
				Width: uint32(prepared.Width), Height: uint32(prepared.Height),
			}
			if album != "" {
				next.params.Image.AlbumImagesCount = uint32(len(r.Attachments))
			}
		}
		all = append(all, next)
	}
	return all, nil
}

// badAttachment is the error for what cannot be sent.
func badAttachment(i int, err error) *Error {
	cause, why := "format", "is not JPEG, PNG, GIF, WebP, AAC in ADTS frames or AMR, or a variant of these that is not supported"
	switch {
	case errors.Is(err, media.ErrTooLarge):
		cause, why = "too_large", "has too many bytes, pixels or frames"
	case errors.Is(err, media.ErrDamaged):
		cause, why = "damaged", "is truncated, or its parts contradict each other"
	}
	return Errorf(CodeBadAttachment, "attachments", "attachment %d %s", i, why).Because(err).
		With("index", i).With("cause", cause).With("max", MaxAttachmentBytes)
}

func durationOf(given AttachmentRequest, p media.Prepared) uint64 {
	if given.DurationMS > 0 {
		return uint64(given.DurationMS)
	}
	return uint64(p.Duration.Milliseconds())
}

// describeOwn adds to the record of a message of ours what only this device knows of its
// attachment.
func describeOwn(rec *wire.MessageRecord, given AttachmentRequest, p media.Prepared) {
	for _, at := range rec.GetAttachments() {
		at.Thumbnail, at.Blurhash = p.Thumbnail, p.Blurhash
		if name := attachments.CleanName(given.Name); name != "" {
			at.Name = name
		}
	}
}

// attach writes the attachment of a ChatMessage and the large pictures of its previews into its
// record, and returns what stores their bytes in the transaction of the record; nil if there
// are none. Of a stranger no pictures of previews are kept.
func attach(rec *wire.MessageRecord, cm *wire.ChatMessage, stranger bool) func(*txn, *wire.MessageRecord) error {
	var all []attachments.Bytes
	if !stranger {
		all = attachments.DescribePreviews(rec, cm.GetUnfurledLinks())
	}
	if data := attachments.Describe(rec, cm); data != nil {
		all = append(all, attachments.Bytes{ID: [32]byte(rec.GetAttachments()[0].GetId()), Data: data})
	}
	if len(all) == 0 {
		return nil
	}
	return func(t *txn, _ *wire.MessageRecord) error {
		for _, b := range all { // a message that was deleted before it came names none
			if err := t.c.attachments.Put(t.Tx, b.ID, b.Data); err != nil {
				return err
			}
		}
		return nil
	}
}

// validateAttachments checks what can be checked before anything is decoded.
func validateAttachments(r SendRequest) error {
	if len(r.Attachments) > MaxAttachments {
		return Errorf(CodeTooMany, "attachments", "a message has at most %d pictures", MaxAttachments).With("max", MaxAttachments)
	}
	if len(r.Attachments) > 0 && (r.Sticker != nil || r.Kind != "" || len(r.Previews) > 0) {
		return Errorf(CodeBadParams, "attachments", "pictures and recordings go without a sticker, a kind and previews")
	}
	return nil
}

// digestedAttachments returns a digest of the attachments of a request, so that a client_ref
// that is used again can be compared with its first use.
func digestedAttachments(list []AttachmentRequest) string {
	if len(list) == 0 {
		return ""
	}
	h := sha256.New()
	for _, at := range list {
		each := sha256.Sum256(at.Data)
		h.Write(each[:])
		if at.Original {
			h.Write([]byte{1})
		}
	}
	return "\x00attachments" + string(h.Sum(nil))
}

func (c *Client) newAttachments() *attachments.Attachments {
	return attachments.New(attachments.Options{Ledger: c.ledger, Messages: c.history, Wake: c.kick, Log: c.log})
}

// AttachmentPart is a part of a picture or a recording.
type AttachmentPart struct {
	Data   []byte
	Offset int64
	// Size is that of the whole.
	Size int64
}

// ReadAttachment returns up to limit bytes of an attachment, from an offset on. Errors:
// CodeNotFound for one that is not known, or whose bytes are not here, and CodeBadParams.
func (c *Client) ReadAttachment(id [32]byte, offset int64, limit int) (part AttachmentPart, err error) {
	if _, err := c.account(); err != nil {
		return part, err
	}
	if offset < 0 || limit < 1 || limit > MaxAttachmentPart {
		return part, Errorf(CodeBadParams, "limit", "the offset must not be negative, and the limit be 1 to %d", MaxAttachmentPart).With("max", MaxAttachmentPart)
	}
	err = c.ledger.View(func(tx Tx) error {
		p, err := c.readAttachment(tx, id, uint64(offset), limit)
		part = AttachmentPart{Data: p.Data, Offset: offset, Size: int64(p.Size)}
		return err
	})
	return part, err
}

// readAttachment reads a part of an attachment of a message that is there.
func (c *Client) readAttachment(tx Tx, id [32]byte, offset uint64, limit int) (attachments.Part, error) {
	p, err := c.attachments.Read(tx, id, offset, limit)
	if err != nil {
		return p, err
	}
	if _, found, err := c.history.Record(tx, p.Message); err != nil || !found {
		return attachments.Part{}, errors.Join(err, Errorf(CodeNotFound, "attachment_id", "there is no such attachment"))
	}
	return p, nil
}

// WriteAttachment writes an attachment to w, and returns its size. It may be erased meanwhile:
// then what was written is not all of it, and the error is CodeNotFound.
func (c *Client) WriteAttachment(w io.Writer, id [32]byte) (size int64, err error) {
	for {
		part, err := c.ReadAttachment(id, size, attachments.ChunkBytes)
		if err != nil {
			return size, err
		}
		if _, err := w.Write(part.Data); err != nil {
			return size, err
		}
		if size += int64(len(part.Data)); size >= part.Size {
			return size, nil
		}
	}
}

// PreviewAttachment decodes a picture, within the bounds of package media, and makes its
// thumbnail and blurhash, which its message has from then on. Received pictures are decoded by
// this call alone. Errors: CodeNotFound, and CodeBadAttachment for what is no picture or cannot
// be decoded.
func (c *Client) PreviewAttachment(id [32]byte) (event.Attachment, error) {
	if _, err := c.account(); err != nil {
		return event.Attachment{}, err
	}
	var part attachments.Part
	var known *wire.MessageAttachmentRecord
	err := c.ledger.View(func(tx Tx) (err error) {
		if part, err = c.readAttachment(tx, id, 0, attachments.MaxBytes); err != nil {
			return err
		}
		known, err = c.attachmentOf(tx, part.Message, id)
		return err
	})
	if err != nil || known.GetBlurhash() != "" {
		return history.AttachmentOf(known), err
	}
	preview, info, err := media.PreviewOf(part.Data)
	if err != nil {
		bad := badAttachment(0, err)
		bad.Field = "attachment_id"
		return event.Attachment{}, bad
	}
	err = c.ledger.Update(func(tx *ledger.Tx) error {
		_, err := c.history.Change(tx, part.Message, history.CauseAttachment, func(rec *wire.MessageRecord) bool {
			return attachments.SetPreview(rec, id, preview, info)
		})
		if err == nil {
			known, err = c.attachmentOf(tx, part.Message, id)
		}
		return err
	})
	return history.AttachmentOf(known), err
}

// attachmentOf returns the record of an attachment from the message that names it.
func (c *Client) attachmentOf(tx Tx, id, attachment [32]byte) (*wire.MessageAttachmentRecord, error) {
	rec, _, err := c.history.Record(tx, id)
	if err != nil {
		return nil, err
	}
	for _, at := range rec.GetAttachments() {
		if string(at.GetId()) == string(attachment[:]) {
			return at, nil
		}
	}
	return nil, Errorf(CodeNotFound, "attachment_id", "there is no such attachment")
}

// Album lists the messages that show the pictures of the album that a message is in, in their
// order; the message alone if it is in none. Error: CodeNotFound.
func (c *Client) Album(id [32]byte) (list []event.Message, err error) {
	if _, err := c.account(); err != nil {
		return nil, err
	}
	err = c.ledger.View(func(tx Tx) error {
		rec, found, err := c.history.Record(tx, id)
		if err != nil || !found {
			return errors.Join(err, Errorf(CodeNotFound, "message_id", "there is no such message"))
		}
		ids, err := attachments.Album(tx, rec)
		for _, id := range ids {
			rec, found, recErr := c.history.Record(tx, id)
			if err = errors.Join(err, recErr); found {
				list = append(list, history.EventOf(rec))
			}
		}
		return err
	})
	slices.SortStableFunc(list, func(a, b event.Message) int { return cmp.Or(cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.ID, b.ID)) })
	return list, err
}
