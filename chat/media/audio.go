package media

import (
	"encoding/binary"
	"time"
)

// adtsHead is the size of the header of an ADTS frame, without its checksum.
const adtsHead = 7

// adtsRates are the sampling rates by their index.
//
// Spec: ISO/IEC 14496-3, "Sampling frequency index".
var adtsRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// isADTS reports whether a file begins with the header of a frame of AAC.
//
// Spec: ISO/IEC 13818-7, "6.2 Audio Data Transport Stream, ADTS".
func isADTS(b []byte) bool {
	return len(b) >= adtsHead && b[0] == 0xff && b[1]&0xf6 == 0xf0 && int(b[2]>>2&15) < len(adtsRates) && adtsSize(b) >= adtsHead
}

// adtsSize is the size of a frame with its header.
func adtsSize(b []byte) int { return int(b[3]&3)<<11 | int(binary.BigEndian.Uint16(b[4:])>>5) }

// samplesOfBlock is the number of samples in a block of AAC; a frame has one to four blocks.
const samplesOfBlock = 1024

// adtsDuration adds up the frames; 0 if they do not reach to the end.
func adtsDuration(b []byte) (d time.Duration) {
	for len(b) > 0 {
		if !isADTS(b) || adtsSize(b) > len(b) {
			return 0
		}
		blocks := int(b[6]&3) + 1
		d += time.Duration(blocks) * samplesOfBlock * time.Second / time.Duration(adtsRates[b[2]>>2&15])
		b = b[adtsSize(b):]
	}
	return d
}

const amrHead = "#!AMR\n"

// amrBytes are the sizes of frames by their mode, with the byte that names it; 0 is none.
//
// Spec: RFC 4867, "5.3 Speech frames"; 3GPP TS 26.101.
var amrBytes = [16]int{13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1}

// amrFrame is the duration of a frame of AMR.
const amrFrame = 20 * time.Millisecond

// amrDuration adds up the frames; 0 if they do not reach to the end.
func amrDuration(b []byte) (d time.Duration) {
	for b = b[len(amrHead):]; len(b) > 0; d += amrFrame {
		size := amrBytes[b[0]>>3&15]
		if size == 0 || size > len(b) {
			return 0
		}
		b = b[size:]
	}
	return d
}
