package message

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// pictures is a picture of each type, of this size.
func pictures(t testing.TB, width, height int) map[wire.ImageFormat][]byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White})
	var asJPEG, asPNG, asGIF bytes.Buffer
	if err := errors.Join(jpeg.Encode(&asJPEG, img, nil), png.Encode(&asPNG, img), gif.Encode(&asGIF, img, nil)); err != nil {
		t.Fatal(err)
	}
	w, h := width-1, height-1
	webp := append([]byte("RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00"), 0, 0, 0, 0,
		byte(w), byte(w>>8), byte(w>>16), byte(h), byte(h>>8), byte(h>>16))
	return map[wire.ImageFormat][]byte{
		wire.ImageFormat_JPEG: asJPEG.Bytes(), wire.ImageFormat_PNG: asPNG.Bytes(), wire.ImageFormat_GIF: asGIF.Bytes(),
		wire.ImageFormat_WEBP: webp,
	}
}

func TestCheckPicture(t *testing.T) {
	for format, data := range pictures(t, 240, 120) {
		p, err := CheckPicture(data)
		if err != nil || p.Format != format || p.Width != 240 || p.Height != 120 || !strings.HasPrefix(p.MIME(), "image/") {
			t.Errorf("%s: %+v, %v", format, p, err)
		}
		for _, cut := range []int{1, 3, 11} {
			if _, err := CheckPicture(data[:cut]); !errors.Is(err, ErrPictureType) {
				t.Errorf("%s cut to %d: %v", format, cut, err)
			}
		}
		if _, err := CheckPicture(append(data, make([]byte, MaxPicture)...)); !errors.Is(err, ErrPictureSize) {
			t.Errorf("%s, huge: %v", format, err)
		}
	}
	for format, data := range pictures(t, MaxPictureSide+1, 1) {
		if _, err := CheckPicture(data); !errors.Is(err, ErrPictureSize) {
			t.Errorf("%s, wide: %v", format, err)
		}
	}
	for name, data := range map[string][]byte{
		"text": []byte("no picture at all"), "svg": []byte("<svg/>"), "html": []byte("<html><script>"),
		"webp of another kind": []byte("RIFF\x20\x00\x00\x00WEBPABCD\x0a\x00\x00\x00aaaaaaaaaa"),
	} {
		if _, err := CheckPicture(data); !errors.Is(err, ErrPictureType) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := CheckPicture(nil); !errors.Is(err, ErrPictureSize) {
		t.Errorf("nothing: %v", err)
	}
	vp8 := []byte("RIFF\x20\x00\x00\x00WEBPVP8 \x0a\x00\x00\x00aaa\x9d\x01\x2a\xf0\x00\x50\x40")
	if p, err := CheckPicture(vp8); err != nil || p.Width != 240 || p.Height != 80 {
		t.Errorf("VP8: %+v, %v", p, err)
	}
	vp8l := []byte("RIFF\x20\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00\x2f\xef\xc0\x13\x00aaaaa")
	if p, err := CheckPicture(vp8l); err != nil || p.Width != 240 || p.Height != 80 {
		t.Errorf("VP8L: %+v, %v", p, err)
	}
}

func TestProfile(t *testing.T) {
	small := pictures(t, 80, 80)[wire.ImageFormat_PNG]
	p, err := CheckPicture(small)
	if err != nil {
		t.Fatal(err)
	}
	ci := NewProfile(ProfileParams{Clock: 7, DisplayName: "Alice B", Bio: "about", Colour: DefaultColour, Picture: p})
	if ci.GetClock() != 7 || ci.GetDisplayName() != "Alice B" || ci.GetDescription() != "about" || ci.GetCustomizationColor() != 4 || len(ci.GetImages()) != 2 {
		t.Fatalf("profile %v", ci)
	}
	if got := PictureOf(ci, key.Secret{}); got == nil || !bytes.Equal(got.Data, small) {
		t.Fatal("the picture does not come back")
	}
	large := *p
	large.Data = append(bytes.Clone(small), make([]byte, MaxThumbnail)...)
	if ci := NewProfile(ProfileParams{Picture: &large}); len(ci.GetImages()) != 1 || ci.GetImages()["large"] == nil {
		t.Errorf("a large picture: %d images", len(ci.GetImages()))
	}
	for name, want := range map[string]string{
		"alice": "alice", " alice ": "alice", "Al-ice_9 x": "Al-ice_9 x", "bob": "", "alice!": "", "alice.eth": "",
		"alice_eth": "", "alice-eth": "", strings.Repeat("a", 25): "", "Алиса": "", "": "",
	} {
		if got := StatusName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func sealGCM(t testing.TB, k, plain []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(k)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		t.Fatal(err)
	}
	return gcm.Seal(nonce, nonce, plain, nil)
}

// Pictures for contacts only open with the secret of the pair, and nobody else's.
func TestPictureForContacts(t *testing.T) {
	data := pictures(t, 80, 80)[wire.ImageFormat_JPEG]
	shared, other, k := key.Secret{1}, key.Secret{2}, bytes.Repeat([]byte{3}, 32)
	ci := &wire.ChatIdentity{Images: map[string]*wire.IdentityImage{"large": {
		Payload: sealGCM(t, k, data), Encrypted: true,
		EncryptionKeys: [][]byte{nil, {1, 2}, sealGCM(t, other[:], k), sealGCM(t, shared[:], k)},
	}}}
	if p := PictureOf(ci, shared); p == nil || !bytes.Equal(p.Data, data) {
		t.Error("not opened")
	}
	if PictureOf(ci, key.Secret{9}) != nil {
		t.Error("opened by a stranger")
	}
	ci.Images["large"].Payload = make([]byte, 1<<20)
	if PictureOf(ci, shared) != nil {
		t.Error("a huge picture")
	}
}

func TestQuestions(t *testing.T) {
	for text, want := range map[string]error{
		"Where did we meet?": nil, strings.Repeat("a", MaxQuestion): nil, "": ErrQuestionEmpty, " \n": ErrQuestionEmpty,
		strings.Repeat("a", MaxQuestion+1): ErrQuestionTooLong, "\xff": ErrQuestionEncoding,
	} {
		if err := ValidateQuestion(text); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	at := time.UnixMilli(1_000_000)
	if LatestClock(at) != 1_120_000 || LatestClock(time.UnixMilli(-1<<40)) != 0 {
		t.Error("latest clock")
	}
	if ValidateClock(1_120_000, at) != nil || !errors.Is(ValidateClock(1_120_001, at), ErrClock) || !errors.Is(ValidateClock(0, at), ErrClock) {
		t.Error("clocks")
	}
}

func FuzzPictureOf(f *testing.F) {
	for _, data := range pictures(f, 3, 2) {
		for _, encrypted := range []bool{false, true} {
			b, err := proto.Marshal(&wire.ChatIdentity{Images: map[string]*wire.IdentityImage{
				"thumbnail": {Payload: data, Encrypted: encrypted, EncryptionKeys: [][]byte{data}},
			}})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var ci wire.ChatIdentity
		if proto.Unmarshal(b, &ci) == nil {
			if p := PictureOf(&ci, key.Secret{1}); p != nil && (len(p.Data) > MaxPicture || p.Width < 1 || p.MIME() == "") {
				t.Fatalf("%+v", p)
			}
		}
		if p, err := CheckPicture(b); err == nil && (p.Height > MaxPictureSide || p.MIME() == "") {
			t.Fatalf("%+v", p)
		}
	})
}
