package media

import (
	"bytes"
	"errors"
	"time"
)

// Format is the format of a file, recognized by its bytes.
type Format uint8

// The formats that Status clients send and show.
const (
	Unknown Format = iota
	JPEG
	PNG
	GIF
	WebP
	AAC // in ADTS frames
	AMR // narrow band
)

// traits are what is known of a format.
type traits struct{ mime, extension string }

var formats = [...]traits{
	Unknown: {"application/octet-stream", "bin"},
	JPEG:    {"image/jpeg", "jpg"},
	PNG:     {"image/png", "png"},
	GIF:     {"image/gif", "gif"},
	WebP:    {"image/webp", "webp"},
	AAC:     {"audio/aac", "aac"},
	AMR:     {"audio/amr", "amr"},
}

// MIME is the type of a file, such as image/png.
func (f Format) MIME() string { return formats[f].mime }

// Extension returns the file name extension of the format, without the dot.
func (f Format) Extension() string { return formats[f].extension }

// IsPicture reports whether a format is one of pictures.
func (f Format) IsPicture() bool { return f >= JPEG && f <= WebP }

// IsAudio reports whether a format is one of recordings.
func (f Format) IsAudio() bool { return f == AAC || f == AMR }

// The bounds of what is looked at, each with its reason.
const (
	// MaxBytes is the largest file: with the message around it, it still fits into what the
	// outbox carries (10 MiB).
	MaxBytes = 10_000_000
	// MaxInput is the largest picture that is made smaller before it is sent: the largest that
	// phones take.
	MaxInput = 32 << 20
	// MaxPixels bounds a picture, and each frame of it: the largest that the cameras of phones
	// take in earnest, with room.
	MaxPixels = 64 << 20
	// maxMemory bounds the bytes that decoding takes.
	maxMemory = 256 << 20
	// maxScans bounds how often a progressive JPEG goes over its picture: encoders use ten,
	// and each costs the time of a pass though it may have a few bytes only.
	maxScans = 64
	// maxFrames and maxFramePixels bound an animation: minutes of it.
	maxFrames      = 2000
	maxFramePixels = 16 * MaxPixels
)

// What a file can be refused for. Errors of this package say more and match one of these.
var (
	// ErrFormat: it is none of the formats, or of a kind of one that is not read here.
	ErrFormat = errors.New("media: not JPEG, PNG, GIF, WebP, AAC or AMR")
	// ErrDamaged: it ends too early, or contradicts itself.
	ErrDamaged = errors.New("media: the file is cut or damaged")
	// ErrTooLarge: it has too many bytes, pixels, frames or scans.
	ErrTooLarge = errors.New("media: the file is too large")
)

// refusal is an error with its reason.
type refusal struct {
	kind error
	why  string
}

func (r refusal) Error() string { return r.kind.Error() + ": " + r.why }
func (r refusal) Unwrap() error { return r.kind }

func refuse(kind error, why string) error { return refusal{kind, why} }

// Info describes a file by its headers.
type Info struct {
	Format Format
	// Width and Height are those of the picture as it is shown, after it was turned.
	Width, Height int
	// Duration is that of a recording, 0 if its frames do not tell.
	Duration time.Duration
}

// outline holds what walking over a file finds.
type outline struct {
	Info
	// turn is how the picture is to be turned, 1 to 8 by EXIF; 1 is not at all.
	turn int
	// memory is what decoding the first frame takes, in bytes.
	memory int64
	// frames and framePixels are of all frames of an animation; 0 and 0 are a picture alone.
	frames, framePixels int64
	scans               int
}

// keeper receives the parts of a file that are kept when metadata is taken out, in order.
// nil receives nothing. turned asks for the direction of the picture to be kept, as the only
// thing of its EXIF.
type keeper struct {
	out    []byte
	turned bool
}

func (k *keeper) keep(parts ...[]byte) {
	if k == nil {
		return
	}
	for _, p := range parts {
		k.out = append(k.out, p...)
	}
}

// walk goes over a file by its container, and hands what is no metadata to k.
func walk(data []byte, k *keeper) (o outline, err error) {
	o.turn = 1
	switch o.Format = formatOf(data); o.Format {
	case JPEG:
		err = walkJPEG(data, &o, k)
	case PNG:
		err = walkPNG(data, &o, k)
	case GIF:
		err = walkGIF(data, &o, k)
	case WebP:
		err = walkWebP(data, &o, k)
	case AAC:
		o.Duration = adtsDuration(data)
		k.keep(data)
	case AMR:
		o.Duration = amrDuration(data)
		k.keep(data)
	default:
		return o, ErrFormat
	}
	if err != nil || !o.Format.IsPicture() {
		return o, err
	}
	return o, o.bound()
}

// bound checks that a picture is not too large to be decoded.
func (o outline) bound() error {
	switch {
	case o.Width < 1 || o.Height < 1:
		return refuse(ErrDamaged, "the picture has no pixels")
	case int64(o.Width)*int64(o.Height) > MaxPixels:
		return refuse(ErrTooLarge, "the picture has more than 64 million pixels")
	case o.memory > maxMemory:
		return refuse(ErrTooLarge, "decoding the picture would take more than 256 MiB")
	case o.frames > maxFrames || o.framePixels > maxFramePixels:
		return refuse(ErrTooLarge, "the animation has too many frames")
	case o.scans > maxScans:
		return refuse(ErrTooLarge, "the picture has more scans than any encoder makes")
	}
	return nil
}

// formatOf tells a format by the first bytes.
func formatOf(data []byte) Format {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return JPEG
	case bytes.HasPrefix(data, []byte(pngSignature)):
		return PNG
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		return GIF
	case len(data) >= riffHead && string(data[:4]) == "RIFF" && string(data[8:riffHead]) == "WEBP":
		return WebP
	case isADTS(data):
		return AAC
	case bytes.HasPrefix(data, []byte(amrHead)) && len(data) > len(amrHead):
		return AMR
	}
	return Unknown
}

// Look says what a file is, by its bytes and not by what somebody says. It goes over the
// whole container, so that a picture that it passes is complete and within the bounds; its
// pixels are not decoded. Info.Format is set as far as the first bytes tell also if there is
// an error. Errors: ErrFormat, ErrDamaged, ErrTooLarge.
func Look(data []byte) (Info, error) {
	if len(data) > MaxBytes {
		return Info{Format: formatOf(data)}, refuse(ErrTooLarge, "the file has more than 10,000,000 bytes")
	}
	o, err := walk(data, nil)
	if err != nil {
		return Info{Format: o.Format}, err
	}
	return o.shown(), nil
}

// shown is the picture after turning: four of the eight directions swap its sides.
func (o outline) shown() Info {
	i := o.Info
	if o.turn > 4 {
		i.Width, i.Height = i.Height, i.Width
	}
	return i
}
