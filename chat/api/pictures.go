package api

import (
	"context"
	"slices"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/picture"
)

// What a picture can be.
const (
	formatPNG, formatSVG, formatTerminal = "png", "svg", "terminal"
	// styleRing is how the Status app shows people, styleIdenticon how it once did.
	styleRing, styleIdenticon = "ring", "identicon"

	// defaultQRSize shows a contact card with four to five pixels a module.
	defaultQRSize   = 400
	defaultLookSize = 128
)

// QRParams are the parameters of pictures.qr.
type QRParams struct {
	// Text is the text to put into the code, at most 2953 bytes: a contact card, an
	// invitation, a safety number, a link. Codes are smallest for digits, then for
	// upper-case letters, digits and " $%*+-./:".
	Text string `json:"text"`
	// Format is "png" (the default), "svg", or "terminal" for lines of block characters.
	Format string `json:"format,omitempty"`
	// Level is how much of the code may be dirty or covered: "L" (7 %, the default and
	// right for screens), "M" (15 %), "Q" (25 %) or "H" (30 %). A higher level is used
	// where it does not make the code larger.
	Level string `json:"level,omitempty"`
	// Size is the side of the PNG in pixels. Default: 400.
	Size *int `json:"size,omitempty" range:"21..4096"`
	// Light is true if the terminal shows dark text on a light ground. Default: false.
	Light bool `json:"light,omitempty"`
}

// Picture is the result of pictures.qr and pictures.identicon.
type Picture struct {
	// Format is "png", "svg" or "terminal".
	Format string `json:"format"`
	// Data holds the bytes of a PNG, in base64.
	Data []byte `json:"data,omitempty"`
	// Text holds an SVG, or the lines for a terminal.
	Text string `json:"text,omitempty"`
	// Modules is the number of modules on each side of a QR code, without its border.
	Modules int `json:"modules,omitempty"`
}

// ReadQRParams are the parameters of pictures.read_qr.
type ReadQRParams struct {
	// Image holds the bytes of a PNG or JPEG, at most 16 MiB and 13 megapixels.
	Image Data `json:"image"`
}

// ReadQRResult is the result of pictures.read_qr.
type ReadQRResult struct {
	// Text is what the code says. Anybody can make a code with any text.
	Text string `json:"text"`
}

// IdenticonParams are the parameters of pictures.identicon.
type IdenticonParams struct {
	// Key is the person's public key, in any accepted form.
	Key Key `json:"key"`
	// Style is "ring" (the default), the ring of colours around a disc in the person's
	// colour, as the Status app shows people without a picture, but without initials; or
	// "identicon", the pattern of squares of its earlier versions.
	Style string `json:"style,omitempty"`
	// Format is "png" (the default) or "svg".
	Format string `json:"format,omitempty"`
	// Size is the side of the PNG in pixels. Default: 128.
	Size *int `json:"size,omitempty" range:"16..1024"`
}

var pictureMethods = []Method{
	method("pictures.qr", "Draws a QR code.",
		[]chat.Code{chat.CodeEmpty, chat.CodeTooLong}, drawQR),
	limitedMethod("pictures.read_qr", "Reads the QR code in a picture, such as a photo. The code may be rotated, tilted, mirrored and somewhat blurred. Of several codes, one is read.",
		[]chat.Code{chat.CodeBadPicture}, MaxLargeRequest, readQR),
	method("pictures.identicon", "Draws the picture by which the Status app lets people tell keys apart.",
		[]chat.Code{chat.CodeBadKey}, drawIdenticon),
}

// oneOf is the value of a parameter that has a few values, the first of them by default.
func oneOf(field, value string, values ...string) (string, error) {
	if value == "" {
		return values[0], nil
	}
	if !slices.Contains(values, value) {
		return "", chat.Errorf(chat.CodeBadParams, field, `must be one of "%s"`, strings.Join(values, `", "`))
	}
	return value, nil
}

func drawQR(_ context.Context, _ *chat.Client, p QRParams) (Picture, error) {
	format, err := oneOf("format", p.Format, formatPNG, formatSVG, formatTerminal)
	if err != nil {
		return Picture{}, err
	}
	const levels = "LMQH"
	level, err := oneOf("level", p.Level, strings.Split(levels, "")...)
	if err != nil {
		return Picture{}, err
	}
	if p.Text == "" {
		return Picture{}, chat.Errorf(chat.CodeEmpty, "text", "there is nothing to show")
	}
	code, err := picture.Encode(p.Text, picture.Level(strings.Index(levels, level)))
	if err != nil {
		return Picture{}, chat.Errorf(chat.CodeTooLong, "text", "a QR code of level %s cannot hold so much", level).
			Because(err).With("max", picture.MaxText)
	}
	drawn := Picture{Format: format, Modules: code.Size}
	switch format {
	case formatSVG:
		drawn.Text = code.SVG()
	case formatTerminal:
		drawn.Text = code.Terminal(p.Light)
	default:
		drawn.Data, err = sized(p.Size, defaultQRSize, code.MinSize(), code.PNG)
	}
	return drawn, err
}

// sized draws a PNG of the wanted size; least is the smallest that is possible.
func sized(size *int, otherwise, least int, draw func(int) ([]byte, error)) ([]byte, error) {
	if size == nil {
		size = &otherwise
	}
	data, err := draw(*size)
	if err != nil {
		return nil, chat.Errorf(chat.CodeBadParams, "size", "this picture needs at least %d pixels", least).Because(err).With("min", least)
	}
	return data, nil
}

func readQR(_ context.Context, _ *client, p ReadQRParams) (ReadQRResult, error) {
	text, err := chat.ReadQR("image", p.Image.bytes)
	return ReadQRResult{Text: text}, err
}

func drawIdenticon(_ context.Context, _ *chat.Client, p IdenticonParams) (Picture, error) {
	style, err := oneOf("style", p.Style, styleRing, styleIdenticon)
	if err != nil {
		return Picture{}, err
	}
	format, err := oneOf("format", p.Format, formatPNG, formatSVG)
	if err != nil {
		return Picture{}, err
	}
	var look interface {
		PNG(size int) ([]byte, error)
		SVG() string
	} = picture.RingOf(p.Key.Public)
	if style == styleIdenticon {
		look = picture.IdenticonOf(p.Key.Public)
	}
	drawn := Picture{Format: format}
	if format == formatSVG {
		drawn.Text = look.SVG()
		return drawn, nil
	}
	drawn.Data, err = sized(p.Size, defaultLookSize, picture.MinIdenticonSize, look.PNG)
	return drawn, err
}
