package api

import (
	"cmp"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
)

// StickerParams name a sticker: the picture itself is not sent.
type StickerParams struct {
	// Hash is the content hash of the picture as the Status app writes it, 1 to 200 bytes.
	Hash string `json:"hash"`
	// Pack is the number of its pack.
	Pack int `json:"pack" range:"0..2147483647"`
}

// MentionParams are a part of a text that names a person.
type MentionParams struct {
	// From is where it begins, in code points.
	From int `json:"from" range:"0..4096"`
	// Length is its length in code points.
	Length int `json:"length" range:"1..4096"`
	// Key is the person's public key, in any accepted form; left out, everyone is named.
	Key *Key `json:"key,omitempty"`
}

// PreviewParams describes a link in the text.
type PreviewParams struct {
	// URL is the link, as it stands in the text.
	URL string `json:"url"`
	// Kind is "link", "image" (the link leads to a picture) or "contact" (it is a Status link
	// to a person). Default: "link".
	Kind enum.SendPreviewKind `json:"kind,omitempty"`
	// Title is at most 300 code points; a link needs one.
	Title string `json:"title,omitempty"`
	// Description is at most 1000 code points.
	Description string `json:"description,omitempty"`
	// Key is the person's public key, in any accepted form, for kind "contact".
	Key *Key `json:"key,omitempty"`
	// Thumbnail is a JPEG, PNG, GIF or WebP picture of at most 358400 bytes.
	Thumbnail *PictureBytes `json:"thumbnail,omitempty"`
	// ThumbnailWidth is its width in pixels, needed with it.
	ThumbnailWidth int `json:"thumbnail_width,omitempty" range:"0..100000"`
	// ThumbnailHeight is its height in pixels, needed with it.
	ThumbnailHeight int `json:"thumbnail_height,omitempty" range:"0..100000"`
}

// request converts the parameters into the request of the engine.
func (p SendParams) request() chat.SendRequest {
	r := chat.SendRequest{To: p.To.Public, Text: p.Text, Kind: string(p.Kind), ReplyTo: (*[messageIDSize]byte)(p.ReplyTo), ClientRef: p.ClientRef, ExpiresIn: timerOf(p.ExpiresIn)}
	if p.Sticker != nil {
		r.Sticker = &event.Sticker{Hash: p.Sticker.Hash, Pack: int32(p.Sticker.Pack)}
	}
	for _, m := range p.Mentions {
		r.Mentions = append(r.Mentions, event.Mention{From: m.From, Length: m.Length, Key: hexOf(m.Key)})
	}
	for _, v := range p.Previews {
		r.Previews = append(r.Previews, v.preview())
	}
	return r
}

func (p PreviewParams) preview() event.Preview {
	v := event.Preview{
		URL: p.URL, Kind: enum.PreviewKind(cmp.Or(p.Kind, enum.SendPreviewLink)), Title: p.Title, Description: p.Description, Key: hexOf(p.Key),
		ThumbnailWidth: p.ThumbnailWidth, ThumbnailHeight: p.ThumbnailHeight,
	}
	if p.Thumbnail != nil {
		v.Thumbnail = p.Thumbnail.bytes
	}
	return v
}

// hexOf is a key as events have it; "" for none.
func hexOf(k *Key) string {
	if k == nil {
		return ""
	}
	return k.Public.Hex()
}
