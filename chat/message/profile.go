package message

import (
	"crypto/aes"
	"crypto/cipher"
	"regexp"
	"strings"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// DefaultColour is the accent colour of people who have not chosen one: blue.
const DefaultColour = 4

// MaxColour is the last of the app's accent colours.
const MaxColour = 17

// MaxBio is the number of code points Status allows for the text about oneself.
const MaxBio = 240

// The names of the two sizes of a profile picture.
const (
	PictureLarge     = "large"
	PictureThumbnail = "thumbnail"
)

// MaxThumbnail is the largest size of the small picture in bytes; a picture above it is
// sent only as the large one.
const MaxThumbnail = 5632

// ProfileParams is the content of a person's profile.
type ProfileParams struct {
	Clock       uint64 // ms; a later profile replaces an earlier one
	DisplayName string // see StatusName
	Bio         string
	Colour      uint32 // accent colour, 0 to MaxColour
	Picture     *Picture
}

// NewProfile is a ChatIdentity. A name the Status app would refuse is left out: it
// would refuse all the rest with it.
func NewProfile(p ProfileParams) *wire.ChatIdentity {
	ci := &wire.ChatIdentity{
		Clock: p.Clock, DisplayName: StatusName(p.DisplayName), Description: p.Bio, CustomizationColor: p.Colour,
	}
	if p.Picture == nil {
		return ci
	}
	image := &wire.IdentityImage{
		Payload: p.Picture.Data, SourceType: wire.IdentityImage_RAW_PAYLOAD, ImageFormat: p.Picture.Format,
	}
	ci.Images = map[string]*wire.IdentityImage{PictureLarge: image}
	if len(p.Picture.Data) <= MaxThumbnail {
		ci.Images[PictureThumbnail] = image
	}
	return ci
}

// statusName matches the display names the Status app accepts.
var statusName = regexp.MustCompile(`^[\w\-\s]{5,24}$`)

// StatusName is name if the Status app shows it: 5 to 24 letters a to z, digits,
// underscores, hyphens and spaces, not ending like an ENS name. Otherwise "".
func StatusName(name string) string {
	name = strings.TrimSpace(name)
	if !statusName.MatchString(name) || strings.HasSuffix(name, "_eth") || strings.HasSuffix(name, "-eth") {
		return ""
	}
	return name
}

// PictureOf returns the best picture of a profile: the large one before the small one.
// Pictures for contacts only are decrypted with shared, the ECDH secret of both
// identities. It returns nil if none of them can be read as a picture.
func PictureOf(ci *wire.ChatIdentity, shared key.Secret) *Picture {
	for _, name := range []string{PictureLarge, PictureThumbnail} {
		image := ci.GetImages()[name]
		data := image.GetPayload()
		if image.GetEncrypted() {
			data = openPicture(image, shared)
		}
		if p, err := CheckPicture(data); err == nil {
			return p
		}
	}
	return nil
}

// maxPictureKeys bounds how many contacts a picture may be for: trying each costs a
// microsecond.
const maxPictureKeys = 5000

// openPicture finds the key that is for us and decrypts the picture, or returns nil.
// Both are AES-256-GCM with the nonce in front: the picture under a key of its own,
// that key under the ECDH secret with each contact.
func openPicture(image *wire.IdentityImage, shared key.Secret) []byte {
	keys := image.GetEncryptionKeys()
	if len(image.GetPayload()) > MaxPicture+pictureOverhead {
		return nil
	}
	for _, wrapped := range keys[:min(len(keys), maxPictureKeys)] {
		if k := openGCM(shared[:], wrapped); len(k) == len(key.Secret{}) {
			return openGCM(k, image.GetPayload())
		}
	}
	return nil
}

// pictureOverhead is nonce and tag.
const pictureOverhead = 12 + 16

func openGCM(k, box []byte) []byte {
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil || len(box) < gcm.NonceSize() {
		return nil
	}
	plain, err := gcm.Open(nil, box[:gcm.NonceSize()], box[gcm.NonceSize():], nil)
	if err != nil {
		return nil
	}
	return plain
}
