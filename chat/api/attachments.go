package api

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/store"
)

// AttachmentID is the id of an attachment in a request: 0x and 64 lower-case hex digits.
type AttachmentID [messageIDSize]byte

func (a *AttachmentID) setText(s string) *chat.Error {
	raw, ok := fromHex(s, messageIDSize)
	if !ok || s != strings.ToLower(s) {
		return chat.Errorf(chat.CodeBadParams, "", "must be 0x and %d lower-case hex digits", 2*messageIDSize)
	}
	copy(a[:], raw)
	return nil
}

// AttachmentParams are a picture or a recording to send.
type AttachmentParams struct {
	// Data is the file itself. Give either data or path.
	Data *Data `json:"data,omitempty"`
	// Path is a regular file of at most 32 MiB, which is read before the call returns.
	Path string `json:"path,omitempty"`
	// Name is a file name for the lists of this device; the network carries none. Default: that
	// of path.
	Name string `json:"name,omitempty"`
	// Original: true sends a picture of up to 10,000,000 bytes as it is, without its metadata.
	// Otherwise one of more than 400,000 bytes, or one that has to be turned, becomes a JPEG of
	// at most 350,000 bytes and 2000 pixels a side, without transparency and as its first frame.
	// Default: false.
	Original bool `json:"original,omitempty"`
	// DurationMS is the length of a recording. Default: what its frames say.
	DurationMS int64 `json:"duration_ms,omitempty" range:"0..86400000"`
}

// AttachmentParam names an attachment.
type AttachmentParam struct {
	// AttachmentID is the id of the attachment, from a message.
	AttachmentID AttachmentID `json:"attachment_id"`
}

// ReadAttachmentParams are the parameters of attachments.read.
type ReadAttachmentParams struct {
	// AttachmentID is the id of the attachment, from a message.
	AttachmentID AttachmentID `json:"attachment_id"`
	// Offset is the first byte to return. Default: 0.
	Offset int64 `json:"offset,omitempty" range:"0..1000000000"`
	// Limit is the largest number of bytes to return. Default: 262144.
	Limit int `json:"limit,omitempty" range:"1..1048576"`
}

// ReadAttachmentResult is the result of attachments.read.
type ReadAttachmentResult struct {
	// Data are the bytes, in base64: fewer than limit only at the end.
	Data []byte `json:"data"`
	// Size is the size of the whole attachment in bytes.
	Size int64 `json:"size"`
	// Next is the offset of the next part, 0 after the last one.
	Next int64 `json:"next"`
}

// SaveAttachmentParams are the parameters of attachments.save.
type SaveAttachmentParams struct {
	// AttachmentID is the id of the attachment, from a message.
	AttachmentID AttachmentID `json:"attachment_id"`
	// Path is the file to write. It is written as <path>.part, and renamed when it is complete.
	Path string `json:"path"`
	// Replace: true replaces a file that is at this path. Default: false.
	Replace bool `json:"replace,omitempty"`
}

// SaveAttachmentResult is the result of attachments.save.
type SaveAttachmentResult struct {
	Size int64 `json:"size"` // bytes that were written
}

// AlbumResult is the result of messages.album.
type AlbumResult struct {
	// Items are the messages, in the order of the conversation.
	Items []event.Message `json:"items"`
}

// defaultPart is the number of bytes that attachments.read returns unless asked for more.
const defaultPart = 256 << 10

// maxRead bounds the files of one call together.
const maxRead = 64 << 20

var attachmentMethods = []Method{
	method("attachments.read", "Returns a part of a picture or a recording. Its type is that of the message's attachment; one whose state is \"unchecked\" is not what its sender says, or too large to be decoded without care.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), readAttachment),
	method("attachments.save", "Writes a picture or a recording to a file that only its owner can read.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeFileIO), saveAttachment),
	method("attachments.preview", "Decodes a picture and makes its thumbnail and blurhash, which its message has from then on; message_changed reports it. Those of pictures that we send are made when they are sent. Received ones are decoded by this call alone, one at a time and with at most 256 MiB of memory.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeBadAttachment), previewAttachment),
}

// files reads what a request sends.
func (p SendParams) files() (list []chat.AttachmentRequest, err error) {
	sum := int64(0)
	for i, at := range p.Attachments {
		field := element("attachments", i)
		if (at.Data == nil) == (at.Path == "") {
			return nil, chat.Errorf(chat.CodeBadParams, field, "give either data or path")
		}
		r := chat.AttachmentRequest{Name: at.Name, Original: at.Original, DurationMS: at.DurationMS}
		if at.Data != nil {
			r.Data = at.Data.bytes
		} else if r.Data, err = readFile(at.Path, field); err != nil {
			return nil, err
		}
		if r.Name == "" && at.Path != "" {
			r.Name = filepath.Base(at.Path)
		}
		if sum += int64(len(r.Data)); sum > maxRead {
			return nil, chat.Errorf(chat.CodeTooLarge, "attachments", "the files have more than %d bytes together", maxRead).With("max", maxRead)
		}
		list = append(list, r)
	}
	return list, nil
}

// readFile reads a file that is to be sent. Error fields are below field.
func readFile(path, field string) ([]byte, error) {
	f, err := store.OpenFile(path)
	if err != nil {
		var named *chat.Error
		if errors.As(err, &named) {
			named.Field = member(field, "path")
		}
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, chat.MaxAttachmentInput+1))
	if err != nil {
		return nil, chat.Errorf(chat.CodeFileIO, member(field, "path"), "the file cannot be read").BecauseOS(err)
	}
	if len(b) > chat.MaxAttachmentInput {
		return nil, chat.Errorf(chat.CodeBadAttachment, member(field, "path"), "the file has more than %d bytes", chat.MaxAttachmentInput).
			With("cause", "too_large").With("max", chat.MaxAttachmentInput)
	}
	return b, nil
}

func readAttachment(_ context.Context, c *chat.Client, p ReadAttachmentParams) (ReadAttachmentResult, error) {
	if p.Limit == 0 {
		p.Limit = defaultPart
	}
	part, err := c.ReadAttachment(p.AttachmentID, p.Offset, p.Limit)
	r := ReadAttachmentResult{Data: part.Data, Size: part.Size}
	if r.Data == nil { // past the end: "" in JSON, not null
		r.Data = []byte{}
	}
	if next := part.Offset + int64(len(part.Data)); next < part.Size && len(part.Data) > 0 {
		r.Next = next
	}
	return r, err
}

func saveAttachment(_ context.Context, c *chat.Client, p SaveAttachmentParams) (r SaveAttachmentResult, err error) {
	err = store.WriteFile(p.Path, p.Replace, "", func(w io.Writer) error {
		r.Size, err = c.WriteAttachment(w, p.AttachmentID)
		return err
	})
	return r, err
}

func previewAttachment(_ context.Context, c *chat.Client, p AttachmentParam) (event.Attachment, error) {
	return c.PreviewAttachment(p.AttachmentID)
}

func messageAlbum(_ context.Context, c *chat.Client, p GetMessageParams) (AlbumResult, error) {
	items, err := c.Album(p.MessageID)
	return AlbumResult{Items: filled(items)}, err
}
