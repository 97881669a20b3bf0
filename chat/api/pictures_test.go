package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/png"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/picture"
)

func drawnBy(t *testing.T, p QRParams) Picture {
	t.Helper()
	drawn, err := drawQR(t.Context(), nil, p)
	if err != nil {
		t.Fatal(err)
	}
	return drawn
}

// What pictures.qr draws, pictures.read_qr reads.
func TestPictures(t *testing.T) {
	const text = "https://status.app/u#zQ3shNobody"
	size := 300
	for _, p := range []QRParams{{Text: text}, {Text: text, Format: "png", Size: &size, Level: "H"}} {
		drawn := drawnBy(t, p)
		img, err := png.Decode(bytes.NewReader(drawn.Data))
		if err != nil || drawn.Format != "png" || drawn.Text != "" {
			t.Fatal(drawn, err)
		}
		if want := map[bool]int{true: defaultQRSize, false: size}[p.Size == nil]; img.Bounds().Dx() != want {
			t.Errorf("%d pixels, want %d", img.Bounds().Dx(), want)
		}
		params, _ := json.Marshal(map[string]string{"image": base64.StdEncoding.EncodeToString(drawn.Data)})
		got, err := readQR(t.Context(), nil, imageOf(t, string(params)))
		if err != nil || got.Text != text {
			t.Errorf("%q, %v", got.Text, err)
		}
	}
	if drawn := drawnBy(t, QRParams{Text: text, Format: "svg"}); !strings.HasPrefix(drawn.Text, "<svg ") || drawn.Data != nil {
		t.Error(drawn)
	}
	dark, light := drawnBy(t, QRParams{Text: text, Format: "terminal"}), drawnBy(t, QRParams{Text: text, Format: "terminal", Light: true})
	if strings.Count(dark.Text, "\n") != (dark.Modules+5)/2 || dark.Text == light.Text {
		t.Error(dark.Text, light.Text)
	}
}

func imageOf(t *testing.T, params string) (p ReadQRParams) {
	t.Helper()
	if err := decodeUpTo(params, MaxLargeRequest, &p, chat.CodeBadParams); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPicturesRefuse(t *testing.T) {
	small := 24
	for _, c := range []struct {
		params QRParams
		code   chat.Code
		field  string
	}{
		{QRParams{}, chat.CodeEmpty, "text"},
		{QRParams{Text: strings.Repeat("x", picture.MaxText+1)}, chat.CodeTooLong, "text"},
		{QRParams{Text: strings.Repeat("x", 1500), Level: "H"}, chat.CodeTooLong, "text"},
		{QRParams{Text: "x", Size: &small}, chat.CodeBadParams, "size"},
	} {
		_, err := drawQR(t.Context(), nil, c.params)
		wantError(t, err, c.code, c.field)
	}
	for _, image := range []string{"", "AAAA"} {
		_, err := readQR(t.Context(), nil, imageOf(t, `{"image":"`+image+`"}`))
		wantError(t, err, chat.CodeBadPicture, "image")
	}
}

// Either style in either format, of a key in any form.
func TestIdenticon(t *testing.T) {
	const somebody = "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	seen := map[string]bool{}
	for _, style := range []string{"", "ring", "identicon"} {
		for _, format := range []string{"", "svg"} {
			var p IdenticonParams
			if err := decode(`{"key":"`+somebody+`","style":"`+style+`","format":"`+format+`"}`, &p, chat.CodeBadParams); err != nil {
				t.Fatal(err)
			}
			drawn, err := drawIdenticon(t.Context(), nil, p)
			if err != nil || (drawn.Text != "") != (format == "svg") || (drawn.Data != nil) != (format == "") {
				t.Error(style, format, drawn, err)
			}
			seen[drawn.Text+string(drawn.Data)] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d different pictures", len(seen))
	}
}
