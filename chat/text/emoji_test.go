package text_test

import (
	"testing"
	"unicode/utf8"

	"libstatus1to1/chat/text"
)

func TestEmoji(t *testing.T) {
	for _, s := range []string{
		"😀", "❤️", "❤", "👍🏽", "👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "1️⃣", "#⃣", "👩🏽‍🚀", "🏳️‍🌈", "❤️‍🔥", "©️", "⌚", "🫠", "🧑‍🤝‍🧑", "‼️", "☺️", "▶️",
	} {
		if !text.IsEmoji(s) || !text.OnlyEmoji(s) || !text.OnlyEmoji(" "+s+s+"\n "+s) {
			t.Errorf("%q is an emoji", s)
		}
		if text.IsEmoji(s+s) || text.IsEmoji(s+" ") || text.OnlyEmoji(s+"a") || text.OnlyEmoji("1"+s) {
			t.Errorf("%q twice, or with something else, is not one emoji", s)
		}
	}
	for _, s := range []string{
		"", " ", "a", "1", "#", "12", "©", "™", "ok 👍", "✓", "①", "中", "א", "\u200d", "\ufe0f", "👨‍", "👨‍a", "🇩", "ℹ", "〰", ":)", "🇩🇪🇩",
		"\U000e0067", "♪", "➊", "→",
	} {
		if text.IsEmoji(s) || text.OnlyEmoji(s) {
			t.Errorf("%q is no emoji", s)
		}
	}
}

// FuzzOnlyEmoji: what is only emoji is valid text, stays so when it is doubled, and shows
// something.
func FuzzOnlyEmoji(f *testing.F) {
	for _, s := range []string{"😀", "👨‍👩‍👧 1️⃣", "🇩🇪🇩", "a", "👨\u200d\u200d", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !text.OnlyEmoji(s) {
			return
		}
		if !utf8.ValidString(s) || text.Blank(s) || !text.OnlyEmoji(s+" "+s) {
			t.Fatalf("%q is taken for emoji", s)
		}
	})
}
