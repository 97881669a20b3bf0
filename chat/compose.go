package chat

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What a request to send comes to: the content of one ChatMessage, or of several that go
// together.

// content holds the content of one ChatMessage.
type content struct {
	params message.ChatParams
	// describe completes the record of the message; nil has nothing to add.
	describe func(*wire.MessageRecord)
}

// contents makes the contents of a request. Their clocks and what goes with every message are
// still to be set.
func (c *Client) contents(r SendRequest) ([]content, error) {
	p := message.ChatParams{TextParams: message.TextParams{Text: r.Text, ChatID: r.To.Hex()}}
	if r.Kind == message.KindStatus {
		p.ContentType = wire.ChatMessage_STATUS
	}
	if r.Sticker != nil {
		p.Sticker = &wire.StickerMessage{Hash: r.Sticker.Hash, Pack: r.Sticker.Pack}
	}
	if err := c.replying(r, &p); err != nil {
		return nil, err
	}
	if err := withPreviews(r, &p); err != nil {
		return nil, err
	}
	if len(r.Attachments) > 0 {
		return c.attaching(r, p)
	}
	return []content{{params: p}}, nil
}

// replying names the message that a request answers: one of the same chat.
func (c *Client) replying(r SendRequest, p *message.ChatParams) error {
	if r.ReplyTo == nil {
		return nil
	}
	var target wire.MessageRecord
	found, err := c.ledger.Get(tableMessages, r.ReplyTo[:], &target)
	if err != nil {
		return err
	}
	if !found || message.ConversationID(target.GetChat()) != message.ConversationWith(r.To) {
		return Errorf(CodeNotFound, "reply_to", "there is no such message in the chat with this person")
	}
	p.ReplyTo = message.FormatID(*r.ReplyTo)
	return nil
}

// withPreviews sets the previews of a request.
func withPreviews(r SendRequest, p *message.ChatParams) error {
	if len(r.Previews) > message.MaxPreviews {
		return Errorf(CodeTooMany, "previews", "a message has at most %d previews", message.MaxPreviews).With("max", message.MaxPreviews)
	}
	for i, given := range r.Previews {
		rec := &wire.PreviewRecord{
			Url: given.URL, Kind: string(given.Kind), Title: given.Title, Description: given.Description, Thumbnail: given.Thumbnail,
			ThumbnailWidth: uint32(given.ThumbnailWidth), ThumbnailHeight: uint32(given.ThumbnailHeight),
		}
		var err error
		if given.Kind == message.PreviewContact {
			if k, keyErr := parseHexKey(given.Key); keyErr == nil {
				rec.Key = k.Compressed()
			}
			var l *wire.UnfurledStatusLink
			l, err = message.NewStatusPreview(rec, r.Text)
			p.StatusLinks = append(p.StatusLinks, l)
		} else {
			var l *wire.UnfurledLink
			l, err = message.NewPreview(rec, r.Text)
			p.Links = append(p.Links, l)
		}
		if err != nil {
			return badPreview(i, err)
		}
	}
	return nil
}

// badPreview is the error for a preview that cannot be sent.
func badPreview(i int, err error) *Error {
	why := "has an unknown kind"
	switch {
	case errors.Is(err, message.ErrPreviewURL):
		why = "has a URL that is not a web address (http or https) in the text"
	case errors.Is(err, message.ErrPreviewText):
		why = fmt.Sprintf("needs a title of 1 to %d code points, and a description of at most %d", message.MaxPreviewTitle, message.MaxPreviewText)
	case errors.Is(err, message.ErrPreviewKey):
		why = "has no key of a person"
	case errors.Is(err, message.ErrPreviewPicture):
		why = fmt.Sprintf("has a picture that is not JPEG, PNG, GIF or WebP of at most %d bytes with width and height", message.MaxPreviewPicture)
	}
	return Errorf(CodeBadParams, "previews", "preview %d %s", i, why).Because(err).With("index", i).With("max_bytes", message.MaxPreviewPicture)
}

// written is the request with its mentions written into the text.
func (r SendRequest) written() (SendRequest, error) {
	if len(r.Mentions) == 0 {
		return r, nil
	}
	mentions := make([]message.Mention, len(r.Mentions))
	for i, m := range r.Mentions {
		mentions[i] = message.Mention{From: m.From, Length: m.Length}
		if m.Key == "" {
			continue
		}
		k, err := parseHexKey(m.Key)
		if err != nil {
			return r, Errorf(CodeBadKey, "mentions", "the key of mention %d is none", i).With("index", i)
		}
		mentions[i].Key = k
	}
	text, err := message.WriteMentions(r.Text, mentions)
	if err != nil {
		return r, Errorf(CodeBadParams, "mentions", "the mentions overlap, are empty, in code or outside of the text, or more than %d", message.MaxMentions).
			Because(err).With("max", message.MaxMentions)
	}
	r.Text, r.Mentions = text, nil
	return r, nil
}

// parseHexKey reads a key as events have it.
func parseHexKey(s string) (key.Public, error) {
	return message.ChatOf(key.Public{}, key.Public{}, s)
}

// validateContent checks what a request says.
func validateContent(r SendRequest) error {
	switch r.Kind {
	case "", message.KindText, message.KindStatus:
	default:
		return Errorf(CodeBadParams, "kind", "only the kinds text and status can be chosen: the others follow from what is sent")
	}
	if err := validateAttachments(r); err != nil {
		return err
	}
	if r.Sticker != nil {
		return validateSticker(r)
	}
	if len(r.Attachments) > 0 && r.Text == "" {
		return nil
	}
	return validateText(r.Text)
}

// validateSticker checks a sticker: it goes alone.
func validateSticker(r SendRequest) error {
	switch {
	case r.Text != "" || len(r.Previews) > 0 || len(r.Mentions) > 0:
		return Errorf(CodeBadParams, "sticker", "a sticker goes without a text")
	case strings.TrimSpace(r.Sticker.Hash) == "" || len(r.Sticker.Hash) > message.MaxStickerHash || !utf8.ValidString(r.Sticker.Hash):
		return Errorf(CodeBadParams, "sticker.hash", "the hash must have 1 to %d bytes of UTF-8", message.MaxStickerHash).With("max", message.MaxStickerHash)
	}
	return nil
}

// validateText checks a text that is to be sent.
func validateText(text string) error {
	switch err := message.ValidateOwnText(text); {
	case errors.Is(err, message.ErrTextEmpty):
		return Errorf(CodeEmpty, "text", "the text is empty or shows nothing").Because(err)
	case errors.Is(err, message.ErrTextTooLong):
		return Errorf(CodeTooLong, "text", "the text has %d code points, %d are allowed",
			utf8.RuneCountInString(text), message.MaxTextLength).With("max", message.MaxTextLength).Because(err)
	case err != nil:
		return Errorf(CodeBadParams, "text", "the text is not valid UTF-8").Because(err)
	}
	return nil
}

// digested is all that a request says, as its client_ref stands for it: of a text alone, the
// text.
func (r SendRequest) digested() string {
	var more strings.Builder
	if r.ReplyTo != nil {
		more.WriteString("\x00reply_to" + string(r.ReplyTo[:]))
	}
	if r.Kind == message.KindStatus {
		more.WriteString("\x00status")
	}
	if r.Sticker != nil {
		more.WriteString("\x00sticker" + r.Sticker.Hash)
	}
	if r.ExpiresIn != nil {
		fmt.Fprintf(&more, "\x00expires_in%d", *r.ExpiresIn)
	}
	more.WriteString(digestedAttachments(r.Attachments))
	return r.Text + more.String()
}
