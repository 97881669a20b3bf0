package media

import (
	"bytes"
	"encoding/binary"
)

// Markers of JPEG.
//
// Spec: ITU-T T.81, "B.1.1.3 Marker assignments".
const (
	markSOF0, markSOF1, markSOF2 = 0xc0, 0xc1, 0xc2
	markDHT, markDAC             = 0xc4, 0xcc
	markRST0, markRST7           = 0xd0, 0xd7
	markSOI, markEOI, markSOS    = 0xd8, 0xd9, 0xda
	markDQT, markDRI             = 0xdb, 0xdd
	markAPP0, markAPP1           = 0xe0, 0xe1
	markAPP2, markAPP14          = 0xe2, 0xee
)

// jpegWalk goes over the segments of a JPEG file.
type jpegWalk struct {
	o          *outline
	k          *keeper
	frames     int // SOF segments
	components int
	adobe      bool // colours are to be converted
}

// walkJPEG keeps what the picture is decoded from, the segments of JFIF without their
// thumbnail, of colour profiles, and of Adobe without more than says how colours are meant.
// What comes after the end of the picture goes: phones append films to it.
func walkJPEG(data []byte, o *outline, k *keeper) error {
	w := jpegWalk{o: o, k: k}
	k.keep(data[:2])
	turnAt := -1 // where the direction is written: before the first segment that stays
	for at := 2; ; {
		marker, next, ok := nextMarker(data, at)
		if !ok {
			return refuse(ErrDamaged, "the picture ends too early")
		}
		at = next
		if marker == markEOI {
			break
		}
		if marker >= markRST0 && marker <= markRST7 {
			continue
		}
		if at+2 > len(data) {
			return refuse(ErrDamaged, "the picture ends too early")
		}
		end := at + int(binary.BigEndian.Uint16(data[at:]))
		if end < at+2 || end > len(data) {
			return refuse(ErrDamaged, "a segment is longer than the file")
		}
		body := data[at+2 : end]
		if turnAt < 0 && k != nil && marker != markAPP0 && marker != markAPP1 {
			turnAt = len(k.out)
		}
		if err := w.segment(marker, body); err != nil {
			return err
		}
		at = end
		if marker == markSOS {
			at = scanEnd(data, at)
			k.keep(data[end:at])
		}
	}
	if w.frames != 1 || o.scans == 0 {
		return refuse(ErrDamaged, "the picture has no frame, or several")
	}
	if w.adobe || w.components == 4 {
		o.memory += int64(o.Width) * int64(o.Height) * 4
	}
	k.keep([]byte{0xff, markEOI})
	k.insertTurn(turnAt, o.turn)
	return nil
}

// insertTurn writes the direction of a JPEG picture where it belongs: EXIF may come after
// other segments, and is read at the beginning only.
func (k *keeper) insertTurn(at, turn int) {
	if k == nil || !k.turned || turn == 1 || at < 0 {
		return
	}
	rest := bytes.Clone(k.out[at:])
	k.out = k.out[:at]
	k.keepTurn(JPEG, turn)
	k.keep(rest)
}

// nextMarker finds the next marker and what follows it. Readers skip what is between
// segments, and so does this.
func nextMarker(data []byte, at int) (marker byte, next int, ok bool) {
	for {
		i := bytes.IndexByte(data[at:], 0xff)
		if i < 0 {
			return 0, 0, false
		}
		for at += i; at < len(data) && data[at] == 0xff; at++ {
		}
		if at == len(data) {
			return 0, 0, false
		}
		if at++; data[at-1] != 0 {
			return data[at-1], at, true
		}
	}
}

// scanEnd is where the coded data of a scan ends: before the first marker that is none of a
// restart.
func scanEnd(data []byte, at int) int {
	for {
		i := bytes.IndexByte(data[at:], 0xff)
		if i < 0 || at+i+1 >= len(data) {
			return len(data)
		}
		at += i
		if next := data[at+1]; next != 0 && next != 0xff && (next < markRST0 || next > markRST7) {
			return at
		}
		at++
		if data[at] != 0xff {
			at++
		}
	}
}

// segment looks at one segment and keeps it, or not.
func (w *jpegWalk) segment(marker byte, body []byte) error {
	switch {
	case marker == markSOF0 || marker == markSOF1 || marker == markSOF2:
		if err := w.frame(marker, body); err != nil {
			return err
		}
	case marker == markSOS:
		w.o.scans++
	case marker == markDHT || marker == markDQT || marker == markDRI:
	case marker >= markSOF0 && marker < markRST0 && marker != markDAC:
		return refuse(ErrFormat, "a JPEG picture of a kind that phones do not make")
	case marker == markAPP0 && bytes.HasPrefix(body, []byte("JFIF\x00")) && len(body) >= jfifBytes:
		body = append(bytes.Clone(body[:jfifBytes-2]), 0, 0) // no thumbnail
	case marker == markAPP1 && bytes.HasPrefix(body, []byte(exifIntro)):
		if w.o.scans == 0 {
			w.o.turn = turnOf(body[len(exifIntro):])
		}
		return nil
	case marker == markAPP2 && bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")):
	case marker == markAPP14 && bytes.HasPrefix(body, []byte("Adobe")) && len(body) >= adobeBytes:
		body, w.adobe = body[:adobeBytes], true
	default:
		return nil // metadata, or nothing that is known
	}
	w.k.keep([]byte{0xff, marker}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)), body)
	return nil
}

// The bytes of the segments of JFIF and Adobe that have fixed places.
const (
	jfifBytes  = 14
	adobeBytes = 12
)

// frame reads the size of the picture and what decoding it takes: a byte for each sample of
// each component, and four more for the coefficients of a progressive one.
//
// Spec: ITU-T T.81, "B.2.2 Frame header syntax".
func (w *jpegWalk) frame(marker byte, body []byte) error {
	const head, each = 6, 3
	if len(body) < head || len(body) != head+each*int(body[5]) || body[5] == 0 || body[5] > 4 {
		return refuse(ErrDamaged, "the frame of the picture makes no sense")
	}
	if w.frames++; w.frames > 1 {
		return refuse(ErrDamaged, "the picture has several frames")
	}
	w.o.Height, w.o.Width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	var samples, hMost, vMost int64
	for c := body[head:]; len(c) > 0; c = c[each:] {
		h, v := int64(c[1]>>4), int64(c[1]&15)
		if h == 0 || v == 0 || h > 4 || v > 4 {
			return refuse(ErrDamaged, "the frame of the picture makes no sense")
		}
		samples, hMost, vMost = samples+h*v, max(hMost, h), max(vMost, v)
	}
	blocks := ((int64(w.o.Width) + 8*hMost - 1) / (8 * hMost)) * ((int64(w.o.Height) + 8*vMost - 1) / (8 * vMost)) * samples
	w.components, w.o.memory = int(body[5]), blocks*64
	if marker == markSOF2 {
		w.o.memory *= 5
	}
	return nil
}
