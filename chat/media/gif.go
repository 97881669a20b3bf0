package media

import "encoding/binary"

// gifWalk reads the blocks of a GIF file.
type gifWalk struct {
	data []byte
	at   int
}

// take returns the next n bytes.
func (w *gifWalk) take(n int) ([]byte, bool) {
	if n > len(w.data)-w.at {
		return nil, false
	}
	w.at += n
	return w.data[w.at-n : w.at], true
}

// subBlocks returns a chain of sub-blocks with its end.
func (w *gifWalk) subBlocks() ([]byte, bool) {
	for begin := w.at; ; {
		size, ok := w.take(1)
		if !ok {
			return nil, false
		}
		if size[0] == 0 {
			return w.data[begin:w.at], true
		}
		if _, ok := w.take(int(size[0])); !ok {
			return nil, false
		}
	}
}

// The blocks of GIF.
//
// Spec: GIF89a, "Required Block and Extension codes".
const (
	gifExtension, gifImage, gifTrailer = 0x21, 0x2c, 0x3b
	gifControl, gifApplication         = 0xf9, 0xff
	gifHead, gifImageHead              = 13, 9
)

var errGIFCut = refuse(ErrDamaged, "the picture ends too early")

// walkGIF keeps pictures, how long each is shown, and how often the film repeats. Comments,
// texts and what programs add go, and what comes after the end.
func walkGIF(data []byte, o *outline, k *keeper) error {
	w := &gifWalk{data: data}
	head, ok := w.take(gifHead)
	if !ok {
		return errGIFCut
	}
	o.Width, o.Height = int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:]))
	o.memory = int64(o.Width) * int64(o.Height) * 5 // a byte a pixel, and then four
	colours, ok := w.take(gifTable(head[10]))
	if !ok {
		return errGIFCut
	}
	k.keep(head, colours)
	var control []byte // of the picture that follows
	for {
		kind, ok := w.take(1)
		if !ok {
			return errGIFCut
		}
		switch kind[0] {
		case gifTrailer:
			if o.frames == 0 {
				return refuse(ErrDamaged, "there is no picture in it")
			}
			k.keep(kind)
			return nil
		case gifExtension:
			if control, ok = w.extension(k, control); !ok {
				return errGIFCut
			}
		case gifImage:
			k.keep(control, kind)
			control = nil
			if err := w.image(o, k); err != nil {
				return err
			}
		default:
			return refuse(ErrDamaged, "a block of it is of no known kind")
		}
	}
}

// gifTable returns the size in bytes of the colour table that the flags of a header announce.
func gifTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// extension reads one extension and returns the control block that the next picture has.
func (w *gifWalk) extension(k *keeper, control []byte) ([]byte, bool) {
	begin := w.at - 1
	label, ok := w.take(1)
	if !ok {
		return nil, false
	}
	blocks, ok := w.subBlocks()
	if !ok {
		return nil, false
	}
	switch label[0] {
	case gifControl:
		if len(blocks) != 6 || blocks[0] != 4 {
			return nil, true
		}
		return w.data[begin:w.at], true
	case gifApplication:
		if loop, ok := gifLoop(blocks); ok {
			k.keep([]byte{gifExtension, gifApplication, 11}, []byte("NETSCAPE2.0"), []byte{3, 1}, loop, []byte{0})
		}
	}
	return control, true
}

// gifLoop reads how often a film repeats.
func gifLoop(blocks []byte) (times []byte, ok bool) {
	const intro = 1 + 11
	if len(blocks) < intro+5 || blocks[0] != 11 || blocks[intro] != 3 || blocks[intro+1] != 1 {
		return nil, false
	}
	if name := string(blocks[1:intro]); name != "NETSCAPE2.0" && name != "ANIMEXTS1.0" {
		return nil, false
	}
	return blocks[intro+2 : intro+4], true
}

// image reads one picture of the file.
func (w *gifWalk) image(o *outline, k *keeper) error {
	head, ok := w.take(gifImageHead)
	if !ok {
		return errGIFCut
	}
	left, top := int(binary.LittleEndian.Uint16(head)), int(binary.LittleEndian.Uint16(head[2:]))
	width, height := int(binary.LittleEndian.Uint16(head[4:])), int(binary.LittleEndian.Uint16(head[6:]))
	if left+width > o.Width || top+height > o.Height {
		return refuse(ErrDamaged, "a picture of it is outside of its frame")
	}
	if o.frames++; o.frames > maxFrames {
		return refuse(ErrTooLarge, "the animation has too many frames")
	}
	o.framePixels += int64(width) * int64(height)
	colours, ok := w.take(gifTable(head[8]))
	if !ok {
		return errGIFCut
	}
	size, ok := w.take(1)
	if !ok {
		return errGIFCut
	}
	pixels, ok := w.subBlocks()
	if !ok {
		return errGIFCut
	}
	k.keep(head, colours, size, pixels)
	return nil
}
