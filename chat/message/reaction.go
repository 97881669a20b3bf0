package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

const (
	// maxEmojiRunes and maxEmojiBytes bound an emoji: families and flags of regions are the
	// longest, with 10 and 7 code points.
	maxEmojiRunes = 16
	maxEmojiBytes = 64
	// loveSign is what apps call the first of the six: the heart without the mark that makes
	// it a coloured one.
	loveSign = "\u2764"
	love     = "\u2764\ufe0f"
)

// sixReactions are the emoji that apps before 2026 know, by their numbers.
var sixReactions = map[wire.EmojiReaction_Type]string{
	wire.EmojiReaction_LOVE: love, wire.EmojiReaction_THUMBS_UP: "👍", wire.EmojiReaction_THUMBS_DOWN: "👎",
	wire.EmojiReaction_LAUGH: "😂", wire.EmojiReaction_SAD: "😢", wire.EmojiReaction_ANGRY: "😠",
}

// ParseEmoji checks an emoji and returns it as it is stored and compared: the heart has two
// spellings. Error: ErrEmoji.
func ParseEmoji(s string) (string, error) {
	if s == loveSign {
		return love, nil
	}
	if len(s) > maxEmojiBytes || !text.IsEmoji(s) || utf8.RuneCountInString(s) > maxEmojiRunes {
		return "", ErrEmoji
	}
	return s, nil
}

// NewReaction adds a reaction to a message, or retracts it. One of the six is named in both
// ways, so that apps of all ages show it. emoji is one that ParseEmoji gave.
// Spec: 62/STATUS-PAYLOADS, "EmojiReaction"; field 8 is deployed.
func NewReaction(p ActionParams, emoji string, retracted bool) *wire.EmojiReaction {
	m := &wire.EmojiReaction{
		Clock: p.Clock, ChatId: p.ChatID, MessageId: FormatID(p.Target), MessageType: wire.MessageType_ONE_TO_ONE,
		Retracted: retracted, Emoji: hexEmoji(emoji),
	}
	for number, one := range sixReactions {
		if one == emoji {
			m.Type = number
		}
	}
	return m
}

// hexEmoji is an emoji as apps of 2026 send it: its code points in hex, joined by dashes.
func hexEmoji(emoji string) string {
	if emoji == love {
		emoji = loveSign
	}
	var parts []string
	for _, r := range emoji {
		parts = append(parts, fmt.Sprintf("%x", r))
	}
	return strings.Join(parts, "-")
}

// decodeReaction reads a reaction, of apps of either age. Errors: ErrMalformed,
// ErrNotOneToOne, ErrChatID, ErrTarget, ErrClock, ErrEmoji.
// Spec: 62/STATUS-PAYLOADS, "EmojiReaction"; field 8 is deployed.
func decodeReaction(b []byte) (Action, error) {
	m := &wire.EmojiReaction{}
	a, err := decodeAddressed(b, m)
	switch {
	case err != nil:
		return a, err
	case m.GetClock() == 0:
		return a, ErrClock
	}
	a.Retracted = m.GetRetracted()
	if a.Emoji = sixReactions[m.GetType()]; m.GetEmoji() != "" {
		a.Emoji, err = parseHexEmoji(m.GetEmoji())
	} else if a.Emoji == "" {
		err = ErrEmoji
	}
	return a, err
}

// parseHexEmoji reads what hexEmoji writes. Error: ErrEmoji.
func parseHexEmoji(s string) (string, error) {
	const longest = maxEmojiRunes * len("10ffff-")
	if len(s) > longest {
		return "", ErrEmoji
	}
	var emoji strings.Builder
	for part := range strings.SplitSeq(s, "-") {
		r, err := strconv.ParseUint(part, 16, 32)
		if err != nil || !utf8.ValidRune(rune(r)) || r > unicode.MaxRune {
			return "", ErrEmoji
		}
		emoji.WriteRune(rune(r))
	}
	return ParseEmoji(emoji.String())
}
