package attachments

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"libstatus1to1/chat/media"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// MaxName bounds the name of a file, code points: what file systems take.
const MaxName = 128

// formatsOf are the formats that a message says its picture or recording has.
var (
	pictures   = map[wire.ImageFormat]media.Format{wire.ImageFormat_JPEG: media.JPEG, wire.ImageFormat_PNG: media.PNG, wire.ImageFormat_GIF: media.GIF, wire.ImageFormat_WEBP: media.WebP}
	recordings = map[wire.AudioMessage_AudioType]media.Format{wire.AudioMessage_AAC: media.AAC, wire.AudioMessage_AMR: media.AMR}
)

// PictureFormat returns the value that names the format of a picture in a message.
func PictureFormat(f media.Format) wire.ImageFormat { return keyOf(pictures, f) }

// AudioType returns the value that names the format of a recording in a message.
func AudioType(f media.Format) wire.AudioMessage_AudioType { return keyOf(recordings, f) }

func keyOf[K comparable](m map[K]media.Format, f media.Format) (found K) {
	for k, v := range m {
		if v == f {
			return k
		}
	}
	return found
}

// Describe writes into the record of a ChatMessage what the message says of its picture or
// recording, and returns the bytes, nil if it has none. The container is looked at and nothing
// is decoded. Size and type are those of the bytes. A picture of another format than the
// message says, or past the bounds, is unchecked; past the bounds it has no width and height.
func Describe(rec *wire.MessageRecord, cm *wire.ChatMessage) (data []byte) {
	at := &wire.MessageAttachmentRecord{State: Stored}
	var said media.Format
	switch cm.GetContentType() {
	case wire.ChatMessage_IMAGE:
		image := cm.GetImage()
		at.Kind, data, said = Image, image.GetPayload(), pictures[image.GetFormat()]
		if len(image.GetAlbumId()) <= MaxAlbumID {
			rec.Album, rec.AlbumCount = image.GetAlbumId(), min(image.GetAlbumImagesCount(), MaxAlbum)
		}
	case wire.ChatMessage_AUDIO:
		at.Kind, data, said = Audio, cm.GetAudio().GetPayload(), recordings[cm.GetAudio().GetType()]
		at.DurationMs = min(cm.GetAudio().GetDurationMs(), maxDuration)
	}
	if len(data) == 0 {
		return nil
	}
	info, err := media.Look(data)
	if err != nil || info.Format != said {
		at.State = Unchecked
	}
	if err == nil {
		at.Width, at.Height = uint32(info.Width), uint32(info.Height)
	}
	id := ID([32]byte(rec.GetId()), data)
	at.Id, at.Size, at.Mime = id[:], uint64(len(data)), info.Format.MIME()
	at.Name = fmt.Sprintf("%s-%s.%s", at.GetKind(), hex.EncodeToString(id[:4]), info.Format.Extension())
	rec.Attachments = []*wire.MessageAttachmentRecord{at}
	return data
}

// Bytes are those of a picture that a message names.
type Bytes struct {
	ID   [32]byte
	Data []byte
}

// DescribePreviews writes into the previews of a message the pictures that are too large to be
// in its record, and returns them. What is no picture, or past the bounds, is left out.
func DescribePreviews(rec *wire.MessageRecord, links []*wire.UnfurledLink) (all []Bytes) {
	for _, p := range rec.GetPreviews() {
		i := slices.IndexFunc(links, func(l *wire.UnfurledLink) bool { return l.GetUrl() == p.GetUrl() })
		if i < 0 || len(p.GetThumbnail()) > 0 || p.GetKind() != message.PreviewLink && p.GetKind() != message.PreviewImage {
			continue
		}
		data := links[i].GetThumbnailPayload()
		if len(data) <= message.MaxPreviewInline || len(data) > message.MaxPreviewPicture {
			continue
		}
		info, err := media.Look(data)
		if err != nil || !info.Format.IsPicture() {
			continue
		}
		id := ID([32]byte(rec.GetId()), data)
		p.ThumbnailId, p.ThumbnailSize = id[:], uint64(len(data))
		p.ThumbnailWidth, p.ThumbnailHeight = uint32(info.Width), uint32(info.Height)
		all = append(all, Bytes{id, data})
	}
	return all
}

// maxDuration bounds what a message says of the length of a recording, ms: a day.
const maxDuration = 24 * 60 * 60 * 1000

// CleanName makes a file name of what a program or an archive gives: without folders and
// characters that do not show.
func CleanName(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		if r == '/' || r == '\\' || r == 0 {
			runes[i] = '_'
		}
	}
	name = text.Shown(string(runes), MaxName, text.Name)
	if strings.Trim(name, ". ") == "" { // the folder itself, or the one above
		return ""
	}
	return name
}

// mimes are the types that an attachment can have.
var mimes = func() (all []string) {
	for f := media.Unknown; f <= media.AMR; f++ {
		all = append(all, f.MIME())
	}
	return all
}()

// Carry checks and cleans what an archive says of an attachment. Its bytes are not here yet.
func Carry(at *wire.MessageAttachmentRecord) error {
	switch {
	case len(at.GetId()) != 32:
		return fmt.Errorf("attachments: an id has not 32 bytes")
	case at.GetKind() != Image && at.GetKind() != Audio:
		return fmt.Errorf("attachments: a kind is none")
	case at.GetSize() == 0 || at.GetSize() > MaxBytes:
		return fmt.Errorf("attachments: a size is none")
	case !slices.Contains(mimes, at.GetMime()):
		return fmt.Errorf("attachments: a type is none")
	case at.GetWidth() > maxSide || at.GetHeight() > maxSide:
		return fmt.Errorf("attachments: a picture is too large")
	case len(at.GetBlurhash()) > media.MaxBlurhash:
		return fmt.Errorf("attachments: a blurhash is too long")
	}
	at.State, at.Name, at.DurationMs = Missing, CleanName(at.GetName()), min(at.GetDurationMs(), maxDuration)
	if !validThumbnail(at.GetThumbnail()) {
		at.Thumbnail = nil
	}
	return nil
}

// maxSide bounds the reported width and height of a picture, in pixels.
const maxSide = media.MaxPixels

// validThumbnail reports whether a thumbnail is one that this library makes.
func validThumbnail(b []byte) bool {
	info, err := media.Look(b)
	return len(b) <= media.MaxThumbnail && err == nil && info.Format == media.JPEG && max(info.Width, info.Height) <= media.ThumbnailSide
}

// SetPreview writes the preview of a picture into its record; false if it has it.
func SetPreview(rec *wire.MessageRecord, id [32]byte, p media.Preview, info media.Info) (changed bool) {
	for _, at := range rec.GetAttachments() {
		if string(at.GetId()) == string(id[:]) && at.GetBlurhash() == "" {
			at.Thumbnail, at.Blurhash, changed = p.Thumbnail, p.Blurhash, true
			at.Width, at.Height = uint32(info.Width), uint32(info.Height)
		}
	}
	return changed
}
