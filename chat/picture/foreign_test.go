package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Photos of codes on paper, bottles and screens: they come with gozxing, which has them from
// ZXing. Of 14.png in the first folder gozxing itself reads nothing.
func TestReadsPhotos(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/makiuchi-d/gozxing").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "qrcode", "testdata")
	for _, c := range []struct {
		folder      string
		first, last int
		text        string
	}{
		{"qrcode-1", 1, 12, `MEBKM:URL:http\://en.wikipedia.org/wiki/Main_Page;;`},
		{"qrcode-1", 13, 15, "http://google.com/gwt/n?u=bluenile.com"},
		{"qrcode-1", 16, 20, "Sean Owen\r\nsrowen@google.com\r\n917-364-2918\r\nhttp://awesome-thoughts.com"},
		{"qrcode-6", 1, 14, "1234567890"},
		{"qrcode-6", 15, 15, "TEST"},
	} {
		for i := c.first; i <= c.last; i++ {
			name := filepath.Join(c.folder, fmt.Sprint(i, ".png"))
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			reads(t, name, raw, c.text)
		}
	}
}

// The reader of gozxing reads what is drawn here.
func TestForeignReaderReadsOurs(t *testing.T) {
	for _, text := range []string{"0123456789", "AB C$%*+-./:9", "https://status.app/u#zQ3sh", "grüße 👋🏽", card, strings.Repeat("x", MaxText)} {
		raw, err := encoded(t, text, L).PNG(1000)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
		if err != nil {
			t.Fatal(err)
		}
		got, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
			gozxing.DecodeHintType_PURE_BARCODE: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
		})
		if err != nil || got.GetText() != text {
			t.Errorf("%.30q: %v, %v", text, got, err)
		}
	}
}

// What the writer of gozxing draws is read here, with the character set that it names; what
// is in a set that is not known here is refused.
func TestReadsForeignCodes(t *testing.T) {
	for _, c := range []struct {
		text, set string
		err       error
	}{
		{"grüße", "UTF-8", nil},
		{"grüße", "ISO-8859-1", nil},
		{"12345", "", nil},
		{"ABC 123", "", nil},
		{"привет", "windows-1251", ErrContent},
		{"茗荷", "Shift_JIS", ErrContent},
	} {
		hints := map[gozxing.EncodeHintType]any{}
		if c.set != "" {
			hints[gozxing.EncodeHintType_CHARACTER_SET] = c.set
		}
		matrix, err := qrcode.NewQRCodeWriter().Encode(c.text, gozxing.BarcodeFormat_QR_CODE, 300, 300, hints)
		if err != nil {
			t.Fatal(c.text, err)
		}
		got, err := ReadQR(asPNG(t, matrix))
		if !errors.Is(err, c.err) || err == nil && got != c.text {
			t.Errorf("%s in %s: %q, %v", c.text, c.set, got, err)
		}
	}
}
