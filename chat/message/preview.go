package message

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// Previews of links are made by the sender of a message. Nobody else has looked where the link
// leads: they are the sender's claims.
// Spec: 62/STATUS-PAYLOADS, "Link previews"; deployed.

// Kinds of previews, as programs see them.
const (
	PreviewLink      = "link"
	PreviewImage     = "image"
	PreviewContact   = "contact"
	PreviewCommunity = "community"
	PreviewChannel   = "channel"
)

const (
	// MaxPreviews is the number of previews of each of the two sorts that a message has: the
	// limit of the Status app.
	MaxPreviews = 5
	// maxPreviewsRead bounds those that are looked at.
	maxPreviewsRead = 20
	// MaxPreviewURL, MaxPreviewTitle and MaxPreviewText bound what a preview says; the last
	// two are in code points. Web pages have no limit.
	MaxPreviewURL   = 2048
	MaxPreviewTitle = 300
	MaxPreviewText  = 1000
	// MaxPreviewPicture is the largest picture of a preview in bytes: to 350 KiB the Status app
	// shrinks its own.
	MaxPreviewPicture = 350 << 10
	// MaxPreviewInline is the largest picture that is kept in the record of a message, which is
	// read and written as a whole.
	MaxPreviewInline = 4 << 10
)

// SetPreviews writes the previews of a message into its record: those of links that occur in
// its text, in their order, cut to their bounds.
func SetPreviews(rec *wire.MessageRecord, links []*wire.UnfurledLink, statusLinks []*wire.UnfurledStatusLink) {
	rec.Previews = nil
	for _, l := range links[:min(len(links), maxPreviewsRead)] {
		if len(rec.GetPreviews()) < MaxPreviews && occurs(l.GetUrl(), rec.GetText()) {
			rec.Previews = append(rec.Previews, previewOf(l))
		}
	}
	others := len(rec.GetPreviews())
	for _, l := range statusLinks[:min(len(statusLinks), maxPreviewsRead)] {
		if p := statusPreviewOf(l); p != nil && len(rec.GetPreviews())-others < MaxPreviews && occurs(l.GetUrl(), rec.GetText()) {
			rec.Previews = append(rec.Previews, p)
		}
	}
}

// occurs reports whether a URL may be one of a text.
func occurs(link, said string) bool {
	return link != "" && len(link) <= MaxPreviewURL && strings.Contains(said, link)
}

func previewOf(l *wire.UnfurledLink) *wire.PreviewRecord {
	p := newPreview(l.GetUrl(), PreviewLink, l.GetTitle(), l.GetDescription())
	if l.GetType() == wire.UnfurledLink_IMAGE {
		p.Kind = PreviewImage
	}
	setThumbnail(p, l.GetThumbnailPayload(), l.GetThumbnailWidth(), l.GetThumbnailHeight())
	return p
}

// statusPreviewOf is the preview of a Status link; nil for one to something that is not known.
func statusPreviewOf(l *wire.UnfurledStatusLink) *wire.PreviewRecord {
	var p *wire.PreviewRecord
	var icon *wire.UnfurledLinkThumbnail
	switch to := l.GetPayload().(type) {
	case *wire.UnfurledStatusLink_Contact:
		p = newPreview(l.GetUrl(), PreviewContact, to.Contact.GetDisplayName(), to.Contact.GetDescription())
		if k, err := key.ParsePublic(to.Contact.GetPublicKey()); err == nil {
			p.Key = k.Compressed()
		}
		icon = to.Contact.GetIcon()
	case *wire.UnfurledStatusLink_Community:
		p = newPreview(l.GetUrl(), PreviewCommunity, to.Community.GetDisplayName(), to.Community.GetDescription())
		icon = to.Community.GetIcon()
	case *wire.UnfurledStatusLink_Channel:
		p = newPreview(l.GetUrl(), PreviewChannel, to.Channel.GetDisplayName(), to.Channel.GetDescription())
		icon = to.Channel.GetCommunity().GetIcon()
	default:
		return nil
	}
	setThumbnail(p, icon.GetPayload(), icon.GetWidth(), icon.GetHeight())
	return p
}

// CleanPreview brings a preview of a text that comes from an archive to its bounds; nil if it is
// none.
func CleanPreview(p *wire.PreviewRecord, said string) *wire.PreviewRecord {
	kinds := []string{PreviewLink, PreviewImage, PreviewContact, PreviewCommunity, PreviewChannel}
	if !slices.Contains(kinds, p.GetKind()) || !occurs(p.GetUrl(), said) {
		return nil
	}
	clean := newPreview(p.GetUrl(), p.GetKind(), p.GetTitle(), p.GetDescription())
	if k, err := key.ParsePublic(p.GetKey()); err == nil {
		clean.Key = k.Compressed()
	}
	setThumbnail(clean, p.GetThumbnail(), p.GetThumbnailWidth(), p.GetThumbnailHeight())
	if len(p.GetThumbnailId()) > 0 { // its bytes come beside it
		clean.ThumbnailId, clean.ThumbnailSize = p.GetThumbnailId(), p.GetThumbnailSize()
		clean.ThumbnailWidth, clean.ThumbnailHeight = p.GetThumbnailWidth(), p.GetThumbnailHeight()
	}
	return clean
}

func newPreview(link, kind, title, description string) *wire.PreviewRecord {
	return &wire.PreviewRecord{
		Url: link, Kind: kind, Title: text.Shown(title, MaxPreviewTitle, text.Name), Description: text.Shown(description, MaxPreviewText, text.Lines),
	}
}

// setThumbnail keeps a picture of a known type within its bound.
func setThumbnail(p *wire.PreviewRecord, data []byte, width, height uint32) {
	if len(data) == 0 || len(data) > MaxPreviewInline {
		return
	}
	if _, _, _, err := pictureHead(data); err != nil {
		return
	}
	p.Thumbnail, p.ThumbnailWidth, p.ThumbnailHeight = data, width, height
}

// What can be wrong with a preview that is to be sent.
var (
	ErrPreviewKind    = errors.New("message: a preview of an unknown kind")
	ErrPreviewURL     = errors.New("message: the link of a preview is not a web address that occurs in the text")
	ErrPreviewText    = errors.New("message: a preview without title, or with a title or description that is too long")
	ErrPreviewKey     = errors.New("message: a preview of a person without their key")
	ErrPreviewPicture = errors.New("message: the picture of a preview is too large, of an unknown type or without its size")
)

// NewPreview is the preview of a link in a text that we send. Errors: ErrPreviewKind,
// ErrPreviewURL, ErrPreviewText, ErrPreviewPicture.
func NewPreview(p *wire.PreviewRecord, said string) (*wire.UnfurledLink, error) {
	l := &wire.UnfurledLink{
		Url: p.GetUrl(), Title: p.GetTitle(), Description: p.GetDescription(), ThumbnailPayload: p.GetThumbnail(),
		ThumbnailWidth: p.GetThumbnailWidth(), ThumbnailHeight: p.GetThumbnailHeight(),
	}
	switch p.GetKind() {
	case PreviewImage:
		l.Type = wire.UnfurledLink_IMAGE
	case PreviewLink:
		if text.Blank(p.GetTitle()) {
			return nil, ErrPreviewText
		}
	default:
		return nil, ErrPreviewKind
	}
	to, err := url.Parse(p.GetUrl())
	web := err == nil && (to.Scheme == "http" || to.Scheme == "https") && to.Host != ""
	if !web || !occurs(p.GetUrl(), said) {
		return nil, ErrPreviewURL
	}
	return l, validPreview(p)
}

// validPreview checks the texts of a preview and its picture: bytes and size, or neither.
func validPreview(p *wire.PreviewRecord) error {
	if utf8.RuneCountInString(p.GetTitle()) > MaxPreviewTitle || utf8.RuneCountInString(p.GetDescription()) > MaxPreviewText {
		return ErrPreviewText
	}
	with := len(p.GetThumbnail()) > 0
	if with != (p.GetThumbnailWidth() > 0 && p.GetThumbnailHeight() > 0) || len(p.GetThumbnail()) > MaxPreviewPicture {
		return ErrPreviewPicture
	}
	if !with {
		return nil
	}
	if _, _, _, err := pictureHead(p.GetThumbnail()); err != nil {
		return ErrPreviewPicture
	}
	return nil
}

// NewStatusPreview is the preview of a Status link to a person in a text that we send.
// Errors: those of NewPreview, ErrPreviewKey.
func NewStatusPreview(p *wire.PreviewRecord, said string) (*wire.UnfurledStatusLink, error) {
	k, err := key.ParsePublic(p.GetKey())
	switch {
	case p.GetKind() != PreviewContact:
		return nil, ErrPreviewKind
	case err != nil:
		return nil, ErrPreviewKey
	case !occurs(p.GetUrl(), said):
		return nil, ErrPreviewURL
	}
	to := &wire.UnfurledStatusContactLink{PublicKey: k.Compressed(), DisplayName: p.GetTitle(), Description: p.GetDescription()}
	if len(p.GetThumbnail()) > 0 {
		to.Icon = &wire.UnfurledLinkThumbnail{Payload: p.GetThumbnail(), Width: p.GetThumbnailWidth(), Height: p.GetThumbnailHeight()}
	}
	return &wire.UnfurledStatusLink{Url: p.GetUrl(), Payload: &wire.UnfurledStatusLink_Contact{Contact: to}}, validPreview(p)
}
