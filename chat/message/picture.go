package message

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image/gif"
	"image/jpeg"
	"image/png"

	"libstatus1to1/chat/wire"
)

const (
	// MaxPicture is the largest size of a profile picture in bytes: the limit to which
	// the Status app shrinks its large pictures (240 by 240).
	MaxPicture = 38400
	// MaxPictureSide is the largest width and height in pixels: a small file can unpack
	// to a picture that fills the memory of the program that shows it.
	MaxPictureSide = 1024
)

// What a picture can be refused for.
var (
	ErrPictureSize = errors.New("message: the picture has more than 38400 bytes or 1024 pixels a side, or none")
	ErrPictureType = errors.New("message: the picture is not JPEG, PNG, GIF or WebP")
)

// Picture is a profile picture that passed CheckPicture.
type Picture struct {
	Format        wire.ImageFormat
	Data          []byte
	Width, Height int
}

// MIME is the type of the picture, such as image/png.
func (p *Picture) MIME() string { return MIMEOf(p.Format) }

// MIMEOf is the MIME type of a format, or "".
func MIMEOf(f wire.ImageFormat) string {
	switch f {
	case wire.ImageFormat_JPEG:
		return "image/jpeg"
	case wire.ImageFormat_PNG:
		return "image/png"
	case wire.ImageFormat_GIF:
		return "image/gif"
	case wire.ImageFormat_WEBP:
		return "image/webp"
	}
	return ""
}

// CheckPicture looks at the head of a picture: its type, by the bytes and not by what
// somebody says, and its size. The pixels are not decoded. Errors: ErrPictureSize,
// ErrPictureType.
func CheckPicture(data []byte) (*Picture, error) {
	if len(data) == 0 || len(data) > MaxPicture {
		return nil, ErrPictureSize
	}
	p := &Picture{Data: data}
	var err error
	if p.Format, p.Width, p.Height, err = pictureHead(data); err != nil {
		return nil, ErrPictureType
	}
	if min(p.Width, p.Height) < 1 || max(p.Width, p.Height) > MaxPictureSide {
		return nil, ErrPictureSize
	}
	return p, nil
}

func pictureHead(data []byte) (f wire.ImageFormat, width, height int, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		return wire.ImageFormat_JPEG, c.Width, c.Height, err
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		c, err := png.DecodeConfig(bytes.NewReader(data))
		return wire.ImageFormat_PNG, c.Width, c.Height, err
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		c, err := gif.DecodeConfig(bytes.NewReader(data))
		return wire.ImageFormat_GIF, c.Width, c.Height, err
	case len(data) >= webpHead && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		if width, height = WebPSize(string(data[12:16]), data[20:webpHead]); width == 0 {
			return 0, 0, 0, ErrPictureType
		}
		return wire.ImageFormat_WEBP, width, height, nil
	}
	return 0, 0, 0, ErrPictureType
}

// webpHead is as far as the size of a WebP picture stands in it: the RIFF header, the
// head of the first chunk, and ten bytes of that.
const webpHead = 12 + 8 + 10

// WebPSize reads the size of a WebP picture from the first ten bytes of a chunk that says it,
// of either of three kinds; 0 and 0 if it says none.
//
// Spec: WebP Container Specification; RFC 6386, "9.1 Uncompressed Data Chunk".
func WebPSize(kind string, chunk []byte) (width, height int) {
	const least = 10
	if len(chunk) < least {
		return 0, 0
	}
	switch kind {
	case "VP8 ": // a key frame: three bytes, a start code, then 14 bits each
		if string(chunk[3:6]) == "\x9d\x01\x2a" {
			return int(binary.LittleEndian.Uint16(chunk[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(chunk[8:]) & 0x3fff)
		}
	case "VP8L": // a signature, then 14 bits each, less one
		if chunk[0] == 0x2f {
			bits := binary.LittleEndian.Uint32(chunk[1:])
			return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1
		}
	case "VP8X": // flags, then 24 bits each, less one
		return int(little24(chunk[4:])) + 1, int(little24(chunk[7:])) + 1
	}
	return 0, 0
}

func little24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }
