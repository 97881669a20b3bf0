package media

import (
	"bytes"
	"testing"
)

func seed(f *testing.F) {
	for _, all := range []map[Format][]byte{samples(f), dirty(f)} {
		for _, data := range all {
			f.Add(data)
		}
	}
	for _, data := range lies(f) {
		f.Add(data)
	}
}

// FuzzStrip: whatever a file is, walking it ends, what is kept of it is no longer than it was
// but for a direction, is clean, and is the same picture to Look.
func FuzzStrip(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		before, err := Look(data)
		kept, info, failed := Strip(data, false)
		if (err == nil) != (failed == nil) || err == nil && info != before {
			t.Fatalf("Look says %+v, %v and Strip %+v, %v", before, err, info, failed)
		}
		if err != nil {
			return
		}
		if len(kept) > len(data)+16*len(data)/8 {
			t.Fatalf("%d bytes of %d are kept", len(kept), len(data))
		}
		again, _, err := Strip(kept, false)
		if err != nil || !bytes.Equal(again, kept) {
			t.Fatalf("what is kept is not clean: %v", err)
		}
		if turned, info, err := Strip(data, true); err != nil || info != before {
			t.Fatalf("%+v, %v", info, err)
		} else if again, err := Look(turned); err != nil || again != before {
			t.Fatalf("with its direction it is %+v, not %+v: %v", again, before, err)
		}
	})
}

// FuzzPrepare: what is decoded is small, whatever its header says, and what is made of it
// keeps its bounds.
func FuzzPrepare(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := Look(data); err != nil || info.Width*info.Height > 1<<16 {
			return // more takes long and shows no more
		}
		p, err := Prepare(data, len(data)%2 == 0)
		if err != nil {
			return
		}
		if len(p.Thumbnail) > MaxThumbnail || len(p.Blurhash) > MaxBlurhash || p.Format.IsPicture() && p.Blurhash == "" {
			t.Fatalf("a thumbnail of %d bytes, a blurhash of %d", len(p.Thumbnail), len(p.Blurhash))
		}
		if info, err := Look(p.Data); err != nil || info != p.Info {
			t.Fatalf("what is sent is %+v, not %+v: %v", info, p.Info, err)
		}
	})
}
