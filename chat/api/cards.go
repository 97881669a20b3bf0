package api

import (
	"context"
	"errors"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
)

// CardParams are the parameters of identity.card.
type CardParams struct {
	// DisplayName: false leaves our display name out of the card. Default: true.
	DisplayName *bool `json:"display_name,omitempty"`
	// Life is the time for which the card is valid, in seconds: 60 to 1814400 (21 days).
	// Default: 604800 (7 days).
	Life *int64 `json:"life,omitempty" range:"60..1814400"`
	// KeyExchange is what whoever adds the card uses, unless they choose otherwise: "x3dh"
	// or "noise". Default: "x3dh".
	KeyExchange enum.KeyExchange `json:"key_exchange,omitempty"`
}

// CardResult is the result of identity.card.
type CardResult struct {
	// Card is the card as text for a QR code: STATUS-CARD:... It has only characters of the
	// alphanumeric mode of QR codes, which keeps the code small.
	Card Secret `json:"card"`
	// Link is the same card in a Status link. The Status app reads the link, ignores the
	// card in it, and goes by the key.
	Link Secret `json:"link"`
	// ShortLink is the Status link with the key alone: for print, since it does not expire.
	ShortLink string `json:"short_link"`
	ExpiresAt int64  `json:"expires_at"` // when the card expires
	Bytes     int    `json:"bytes"`      // the size of the card in binary
}

// AddCardParams are the parameters of contacts.add_card.
type AddCardParams struct {
	// Card is the text of a QR code, or a link with a card in it. Give this or image.
	Card Secret `json:"card,omitempty"`
	// Image holds the bytes of a PNG or JPEG with the QR code in it, such as a photo, at
	// most 16 MiB and 13 megapixels.
	Image *Data `json:"image,omitempty"`
	// Name is the name you give this person, at most 100 code points. Default: the name
	// stays as it is.
	Name string `json:"name,omitempty"`
	// Verify: false leaves the person unverified. Use it for a card that came by a way that
	// others could have used, such as a public page or a forwarded message. Default: true.
	Verify *bool `json:"verify,omitempty"`
	// KeyExchange is "x3dh" or "noise". Default: what the card says.
	KeyExchange enum.KeyExchange `json:"key_exchange,omitempty"`
}

// AddCardResult is the result of contacts.add_card.
type AddCardResult struct {
	Contact event.Contact `json:"contact"` // the person, now in the address book
	// Devices are the installation ids of the devices that can be written to by the keys of
	// the card. There are none if newer keys were known.
	Devices []string `json:"devices"`
	// KeyExchange is "x3dh" or "noise": what the chat with this person begins with.
	KeyExchange enum.KeyExchange `json:"key_exchange"`
	ExpiresAt   int64            `json:"expires_at"` // when the card expires
}

var cardMethods = []Method{
	method("identity.card", "Makes a contact card of this device, for a QR code or as a link. It proves whose it is, and whoever adds it can write to us at once: nothing has to be fetched first. Each call makes another card, with a secret of its own. Whoever sees a card can use it until it expires.",
		stored(chat.CodeNoIdentity, chat.CodeWrongState), issueCard),
	limitedMethod("contacts.add_card", "Adds a person by their contact card to the address book, marks them verified, and learns the keys for the first message. Nothing is sent or fetched. A card can be added once.",
		stored(chat.CodeNoIdentity, chat.CodeBadCard, chat.CodeBadPicture, chat.CodeBlocked, chat.CodeEmpty, chat.CodeTooLong, chat.CodeTooMany),
		MaxLargeRequest, addCard),
}

func issueCard(_ context.Context, c *chat.Client, p CardParams) (CardResult, error) {
	r := chat.CardRequest{Anonymous: p.DisplayName != nil && !*p.DisplayName, Noise: p.KeyExchange == chat.KeyExchangeNoise}
	if p.Life != nil {
		r.Life = time.Duration(*p.Life) * time.Second
	}
	card, err := c.IssueCard(r)
	return CardResult{
		Card: Secret(card.Card), Link: Secret(card.Link), ShortLink: card.Short, ExpiresAt: card.ExpiresAt, Bytes: card.Bytes,
	}, err
}

func addCard(_ context.Context, c *client, p AddCardParams) (AddCardResult, error) {
	if (p.Card == "") == (p.Image == nil) {
		return AddCardResult{}, chat.Errorf(chat.CodeBadParams, "card", "give either card or image")
	}
	text := string(p.Card)
	if p.Image != nil {
		var err error
		if text, err = chat.ReadQR("image", p.Image.bytes); err != nil {
			return AddCardResult{}, err
		}
	}
	added, err := c.engine.AddCard(text, chat.CardChoice{
		Name: p.Name, Unverified: p.Verify != nil && !*p.Verify, KeyExchange: p.KeyExchange,
	})
	if bad := (*chat.Error)(nil); errors.As(err, &bad) && p.Image != nil && bad.Field == "card" {
		bad.Field = "image"
	}
	r := AddCardResult{Contact: added.Contact, Devices: filled(added.Devices), KeyExchange: chat.KeyExchangeX3DH, ExpiresAt: added.ExpiresAt}
	if added.Noise {
		r.KeyExchange = chat.KeyExchangeNoise
	}
	return r, err
}
