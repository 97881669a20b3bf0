package media

import "encoding/binary"

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngKept are the chunks that a picture, or an animation, is made of, and those that say how
// its colours are meant. Texts, times, EXIF and what nobody knows are not among them.
//
// Spec: W3C PNG (Third Edition), "11 Chunk specifications".
var pngKept = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true,
	"gAMA": true, "cHRM": true, "sRGB": true, "iCCP": true, "sBIT": true, "cICP": true, "mDCV": true, "cLLI": true,
	"bKGD": true, "pHYs": true, "acTL": true, "fcTL": true, "fdAT": true,
}

// walkPNG keeps the chunks of pngKept. What comes after the end of the picture goes.
func walkPNG(data []byte, o *outline, k *keeper) error {
	const head, crc = 8, 4
	k.keep(data[:len(pngSignature)])
	pixels := false
	for at := len(pngSignature); ; {
		if at+head+crc > len(data) {
			return refuse(ErrDamaged, "the picture ends too early")
		}
		size := int64(binary.BigEndian.Uint32(data[at:]))
		if size > int64(len(data)-at-head-crc) {
			return refuse(ErrDamaged, "a chunk is longer than the file")
		}
		name, body := string(data[at+4:at+head]), data[at+head:at+head+int(size)]
		chunk := data[at : at+head+int(size)+crc]
		if (o.Width == 0) != (name == "IHDR") {
			return refuse(ErrDamaged, "the header of the picture is not at its beginning")
		}
		switch name {
		case "IHDR":
			if err := o.pngHeader(body); err != nil {
				return err
			}
		case "IDAT":
			pixels = true
		case "eXIf":
			o.turn = turnOf(body)
			k.keepTurn(PNG, o.turn)
		case "fcTL":
			if len(body) < 12 {
				return refuse(ErrDamaged, "a frame of it makes no sense")
			}
			o.frames++
			o.framePixels += int64(min(binary.BigEndian.Uint32(body[4:]), 1<<24)) * int64(min(binary.BigEndian.Uint32(body[8:]), 1<<24))
		}
		if pngKept[name] {
			k.keep(chunk)
		}
		at += len(chunk)
		if name == "IEND" {
			break
		}
		if o.frames > maxFrames || o.framePixels > maxFramePixels {
			return nil // bound says so
		}
	}
	if !pixels {
		return refuse(ErrDamaged, "the picture has no pixels")
	}
	return nil
}

// pngHeader reads the size of a picture and what decoding it takes: its pixels, and the rows
// that they are unpacked to.
//
// Spec: W3C PNG (Third Edition), "11.2.1 IHDR Image header".
func (o *outline) pngHeader(body []byte) error {
	if len(body) != 13 {
		return refuse(ErrDamaged, "the header of the picture makes no sense")
	}
	width, height := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	if width == 0 || height == 0 || width > 1<<24 || height > 1<<24 {
		return refuse(ErrTooLarge, "the picture has more than 64 million pixels, or none")
	}
	o.Width, o.Height = int(width), int(height)
	each := int64(4) // bytes a pixel, at most
	if body[8] == 16 {
		each = 8
	}
	if body[12] != 0 {
		each *= 2 // an interlaced one is put together of seven
	}
	o.memory = int64(width) * int64(height) * each
	return nil
}
