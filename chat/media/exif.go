package media

import (
	"encoding/binary"
	"hash/crc32"
)

// exifIntro begins the segment of a JPEG file that has EXIF in it.
const exifIntro = "Exif\x00\x00"

// tiffTurn is the tag of the direction in the first directory of EXIF, and tiffShort the
// type of its value.
const (
	tiffTurn  = 0x0112
	tiffShort = 3
)

// turnOf reads the direction of a picture from EXIF, which is a TIFF file: 1 to 8, and 1 if
// there is none. Only the first directory is looked at; nothing in it is followed.
//
// Spec: Exif 2.32, "4.6.4 TIFF Rev. 6.0 Attribute Information", Orientation.
func turnOf(tiff []byte) int {
	const head, entry = 8, 12
	if len(tiff) < head {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at < head || at+2 > int64(len(tiff)) {
		return 1
	}
	directory := tiff[at:]
	count := int(order.Uint16(directory))
	for directory = directory[2:]; count > 0 && len(directory) >= entry; count, directory = count-1, directory[entry:] {
		if order.Uint16(directory) != tiffTurn || order.Uint16(directory[2:]) != tiffShort {
			continue
		}
		if turn := int(order.Uint16(directory[8:])); turn >= 1 && turn <= 8 {
			return turn
		}
		return 1
	}
	return 1
}

// exifOf is EXIF with nothing in it but the direction of a picture.
func exifOf(turn int) []byte {
	return []byte{
		'M', 'M', 0, '*', 0, 0, 0, 8, // the directory begins at 8
		0, 1, tiffTurn >> 8, tiffTurn & 0xff, 0, tiffShort, 0, 0, 0, 1, 0, byte(turn), 0, 0, // one entry of one value
		0, 0, 0, 0, // no other directory
	}
}

// keepTurn writes the direction of a picture, if it has one that is asked for, as a segment
// or chunk of its format.
func (k *keeper) keepTurn(f Format, turn int) {
	if k == nil || !k.turned || turn == 1 {
		return
	}
	exif := exifOf(turn)
	switch f {
	case JPEG:
		body := append([]byte(exifIntro), exif...)
		k.keep([]byte{0xff, markAPP1}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)), body)
	case PNG:
		body := append([]byte("eXIf"), exif...)
		k.keep(binary.BigEndian.AppendUint32(nil, uint32(len(exif))), body, binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
	case WebP:
		k.keep(riffChunk("EXIF", exif))
	}
}
