package media

import (
	"encoding/binary"

	"libstatus1to1/chat/message"
)

// riffHead is the size of the head of a RIFF file, riffChunkHead that of a chunk.
const (
	riffHead      = 12
	riffChunkHead = 8
)

// The flags of the chunk VP8X.
//
// Spec: WebP Container Specification, "Extended File Format".
const (
	webpXMP       = 1 << 2
	webpEXIF      = 1 << 3
	webpAnimation = 1 << 1
)

// webpLosslessMemory is the memory that the code tables of a lossless picture may take while
// it is decoded, beside its pixels.
const webpLosslessMemory = 128 << 20

var errWebPCut = refuse(ErrDamaged, "the picture ends too early")

// eachChunk goes over chunks that follow each other.
func eachChunk(data []byte, fn func(name string, body []byte) error) error {
	for len(data) > 0 {
		if len(data) < riffChunkHead {
			return errWebPCut
		}
		size := int64(binary.LittleEndian.Uint32(data[4:]))
		if size > int64(len(data)-riffChunkHead) {
			return errWebPCut
		}
		end := riffChunkHead + int(size)
		if err := fn(string(data[:4]), data[riffChunkHead:end]); err != nil {
			return err
		}
		data = data[min(end+int(size&1), len(data)):]
	}
	return nil
}

// riffChunk is a chunk with its head, and filled up to an even size.
func riffChunk(name string, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body)))
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// webpWalk goes over the chunks of a WebP file.
type webpWalk struct {
	o        *outline
	k        *keeper
	extended bool // the first chunk says the size
	animated bool
	pictures int
}

// walkWebP keeps pictures, animations and colour profiles: EXIF, XMP and what nobody knows
// go, and what comes after the end.
func walkWebP(data []byte, o *outline, k *keeper) error {
	size := int64(binary.LittleEndian.Uint32(data[4:])) + riffChunkHead
	if size < riffHead || size > int64(len(data)) {
		return errWebPCut
	}
	w := webpWalk{o: o, k: k}
	k.keep(data[:riffHead])
	flagsAt := riffHead + riffChunkHead // of VP8X, if that is the first chunk
	if err := eachChunk(data[riffHead:size], w.chunk); err != nil {
		return err
	}
	if w.pictures == 0 {
		return refuse(ErrDamaged, "there is no picture in it")
	}
	if k == nil {
		return nil
	}
	if w.extended {
		k.out[flagsAt] &^= webpXMP | webpEXIF
		if k.turned && o.turn != 1 {
			k.keepTurn(WebP, o.turn)
			k.out[flagsAt] |= webpEXIF
		}
	}
	binary.LittleEndian.PutUint32(k.out[4:], uint32(len(k.out)-riffChunkHead))
	return nil
}

func (w *webpWalk) chunk(name string, body []byte) error {
	switch name {
	case "VP8X":
		if w.extended || w.pictures > 0 || len(body) != 10 {
			return refuse(ErrDamaged, "its head makes no sense")
		}
		w.extended, w.animated = true, body[0]&webpAnimation != 0
		w.o.Width, w.o.Height = message.WebPSize(name, body)
	case "VP8 ", "VP8L":
		if err := w.picture(name, body); err != nil || w.animated {
			return err
		}
	case "ALPH":
		w.alpha()
	case "ANMF":
		return w.frame(body)
	case "EXIF":
		w.o.turn = turnOf(trimExif(body))
		return nil
	case "ANIM", "ICCP":
	default:
		return nil
	}
	w.k.keep(riffChunk(name, body))
	return nil
}

// trimExif takes off the intro of EXIF in JPEG, which some programs write here too.
func trimExif(body []byte) []byte {
	if n := len(exifIntro); len(body) >= n && string(body[:n]) == exifIntro {
		return body[n:]
	}
	return body
}

// picture looks at the one picture of a file that is no animation.
func (w *webpWalk) picture(name string, body []byte) error {
	width, height := message.WebPSize(name, body)
	if w.pictures++; w.pictures > 1 || width == 0 {
		return refuse(ErrDamaged, "the picture makes no sense")
	}
	if !w.extended {
		w.o.Width, w.o.Height = width, height
	} else if !w.animated && (width != w.o.Width || height != w.o.Height) {
		return refuse(ErrDamaged, "it says two sizes")
	}
	w.o.memory += webpMemory(name, width, height)
	return nil
}

// alpha counts what decoding the transparency of a picture takes.
func (w *webpWalk) alpha() {
	w.o.memory += webpLosslessMemory + int64(w.o.Width)*int64(w.o.Height)*5
}

// webpMemory returns the memory that decoding a picture takes, in bytes.
func webpMemory(name string, width, height int) int64 {
	pixels := int64(width+15) * int64(height+15)
	if name == "VP8L" {
		return webpLosslessMemory + 8*pixels
	}
	return 2 * pixels
}

// webpFrameHead is the size of what stands before the picture of a frame.
const webpFrameHead = 16

// frame looks at a frame of an animation and keeps it. Its picture has the size that the
// frame says, and lies within the animation.
func (w *webpWalk) frame(body []byte) error {
	if !w.animated || len(body) < webpFrameHead {
		return refuse(ErrDamaged, "a frame of it makes no sense")
	}
	le24 := func(at int) int { return int(body[at]) | int(body[at+1])<<8 | int(body[at+2])<<16 }
	left, top, width, height := 2*le24(0), 2*le24(3), le24(6)+1, le24(9)+1
	if left+width > w.o.Width || top+height > w.o.Height {
		return refuse(ErrDamaged, "a frame of it is outside of the picture")
	}
	if w.o.frames++; w.o.frames > maxFrames {
		return refuse(ErrTooLarge, "the animation has too many frames")
	}
	w.o.framePixels += int64(width) * int64(height)
	kept, pictures, memory := body[:webpFrameHead:webpFrameHead], 0, int64(0)
	err := eachChunk(body[webpFrameHead:], func(name string, sub []byte) error {
		switch name {
		case "VP8 ", "VP8L":
			if gotWidth, gotHeight := message.WebPSize(name, sub); gotWidth != width || gotHeight != height {
				return refuse(ErrDamaged, "a frame of it says two sizes")
			}
			pictures++
			memory += webpMemory(name, width, height)
		case "ALPH":
			memory += webpLosslessMemory + int64(width)*int64(height)*5
		default:
			return nil
		}
		if w.k != nil {
			kept = append(kept, riffChunk(name, sub)...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if pictures != 1 {
		return refuse(ErrDamaged, "a frame of it has no picture, or several")
	}
	w.pictures++
	w.o.memory = max(w.o.memory, memory)
	w.k.keep(riffChunk("ANMF", kept))
	return nil
}

// firstFrame makes a file of the first frame of an animation: the decoder knows no other.
// nil if the file is no animation.
func firstFrame(data []byte) (still []byte) {
	done := refuse(ErrFormat, "the first frame is found")
	_ = eachChunk(data[riffHead:], func(name string, body []byte) error {
		if name != "ANMF" || len(body) < webpFrameHead {
			return nil
		}
		head := make([]byte, 10)
		copy(head[4:], body[6:12]) // the size of the frame
		var parts []byte
		_ = eachChunk(body[webpFrameHead:], func(sub string, b []byte) error {
			if sub == "ALPH" {
				head[0] |= 1 << 4
			}
			if sub == "ALPH" || sub == "VP8 " || sub == "VP8L" {
				parts = append(parts, riffChunk(sub, b)...)
			}
			return nil
		})
		parts = append(riffChunk("VP8X", head), parts...)
		still = binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(parts)))
		still = append(append(still, "WEBP"...), parts...)
		return done
	})
	return still
}
