package api

import (
	"cmp"
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/picture"
)

// What a picture is unless asked otherwise.
const (
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
	Format enum.PictureFormat `json:"format,omitempty"`
	// Level is how much of the code may be dirty or covered: "L" (7 %, the default and
	// right for screens), "M" (15 %), "Q" (25 %) or "H" (30 %). A higher level is used
	// where it does not make the code larger.
	Level enum.QRLevel `json:"level,omitempty"`
	// Size is the side of the PNG in pixels. Default: 400.
	Size *int `json:"size,omitempty" range:"21..4096"`
	// Light is true if the terminal shows dark text on a light ground. Default: false.
	Light bool `json:"light,omitempty"`
}

// Picture is the result of pictures.qr and pictures.identicon.
type Picture struct {
	// Format is "png", "svg" or "terminal".
	Format enum.PictureFormat `json:"format"`
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
	Style enum.IdenticonStyle `json:"style,omitempty"`
	// Format is "png" (the default) or "svg".
	Format enum.IdenticonFormat `json:"format,omitempty"`
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

// levels are the levels of correction by their names in the API.
var levels = map[enum.QRLevel]picture.Level{enum.QRL: picture.L, enum.QRM: picture.M, enum.QRQ: picture.Q, enum.QRH: picture.H}

func drawQR(_ context.Context, _ *chat.Client, p QRParams) (Picture, error) {
	format, level := cmp.Or(p.Format, enum.FormatPNG), cmp.Or(p.Level, enum.QRL)
	if p.Text == "" {
		return Picture{}, chat.Errorf(chat.CodeEmpty, "text", "there is nothing to show")
	}
	code, err := picture.Encode(p.Text, levels[level])
	if err != nil {
		return Picture{}, chat.Errorf(chat.CodeTooLong, "text", "a QR code of level %s cannot hold so much", level).
			Because(err).With("max", picture.MaxText)
	}
	drawn := Picture{Format: format, Modules: code.Size}
	switch format {
	case enum.FormatSVG:
		drawn.Text = code.SVG()
	case enum.FormatTerminal:
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
	var look interface {
		PNG(size int) ([]byte, error)
		SVG() string
	} = picture.RingOf(p.Key.Public)
	if p.Style == enum.StyleIdenticon {
		look = picture.IdenticonOf(p.Key.Public)
	}
	if p.Format == enum.IdenticonSVG {
		return Picture{Format: enum.FormatSVG, Text: look.SVG()}, nil
	}
	drawn, err := Picture{Format: enum.FormatPNG}, error(nil)
	drawn.Data, err = sized(p.Size, defaultLookSize, picture.MinIdenticonSize, look.PNG)
	return drawn, err
}
