package card

import (
	"encoding/base32"
	"errors"
	"strings"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
)

// textPrefix begins a card as text for a QR code. Like the base32 after it, it has only
// upper-case letters, digits and a few signs: QR codes have an alphabet for those, in which
// a character takes 5.5 bits and not 8. The denser base45 would need the space and the
// percent sign, which texts lose on the way, and its codes are the same size or one
// version smaller.
const textPrefix = "STATUS-CARD:"

// maxText bounds a text that is looked at, in bytes: the longest link to a person, and room
// for the space and line breaks that copying leaves in it.
const maxText = 16384

var textEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text is the bytes of a card as text for a QR code: STATUS-CARD:..., the rest in base32.
func Text(b []byte) string { return textPrefix + textEncoding.EncodeToString(b) }

// Link is the bytes of a card as a link that the Status app reads too:
// https://status.app/u/<data>#zQ3sh..., where the app finds the key and the name. Empty
// for bytes that are no card.
func Link(b []byte) string {
	c, err := Parse(b)
	if err != nil {
		return ""
	}
	link, err := identity.Link{Key: c.Identity, DisplayName: c.DisplayName, Card: string(b)}.Format()
	if err != nil {
		return ""
	}
	return link
}

// Read reads a card in any form: the text of a QR code, or a link. Space, line breaks and
// quotes around or in it are ignored, and so is case where it has no meaning. Errors: all
// that Parse gives, and CauseOtherText, CauseNoCard, CauseOther.
func Read(pasted string) (Card, error) {
	if len(pasted) > maxText {
		return Card{}, fault(CauseOtherText)
	}
	s := strings.Trim(text.Squeeze(pasted), "<>\"'`«»“”„‘’‚.,;")
	if len(s) >= len(textPrefix) && strings.EqualFold(s[:len(textPrefix)], textPrefix) {
		b, err := decodeText(s[len(textPrefix):])
		if err != nil {
			return Card{}, err
		}
		return Parse(b)
	}
	link, err := identity.ParsePerson(pasted)
	switch {
	case errors.Is(err, identity.ErrLink) && strings.Contains(s, "/u/") && !strings.Contains(s, "#"):
		return Card{}, fault(CauseTruncated)
	case err != nil && identity.IsLink(s):
		return Card{}, fault(CauseAltered)
	case err != nil:
		return Card{}, fault(CauseOtherText)
	case link.Card == "":
		return Card{}, fault(CauseNoCard)
	}
	return ofLink(link.Key, []byte(link.Card))
}

// ofLink reads the card in a link, which must be that of the person whom the link names:
// others, such as the Status app, go by the key alone.
func ofLink(who key.Public, b []byte) (Card, error) {
	c, err := Parse(b)
	if err == nil && c.Identity != who {
		err = fault(CauseOther)
	}
	if err != nil {
		return Card{}, err
	}
	return c, nil
}

// decodeText undoes the base32. A character too few for a whole byte is dropped: that the
// card is truncated is seen by its length.
func decodeText(s string) ([]byte, error) {
	s = strings.ToUpper(s)
	switch len(s) % 8 {
	case 1, 3, 6:
		s = s[:len(s)-1]
	}
	b, err := textEncoding.DecodeString(s)
	if err != nil {
		return nil, fault(CauseAltered)
	}
	return b, nil
}
