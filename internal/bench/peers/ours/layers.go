//go:build peers

package main

import (
	"crypto/rand"
	"time"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/wire"
)

// layers measures all that is done to a text before an envelope is published, and after one came:
// two signatures made, and their signers recovered.
func layers() (figures []figure) {
	var topic key.Secret
	_, _ = rand.Read(topic[:]) // it never fails
	for _, size := range sizes {
		figures = append(figures, pace("ours: all layers", "", size, func(from, to *side, text string) string {
			return to.read(topic, from.write(topic, text))
		})...)
	}
	return figures
}

func (s *side) write(topic key.Secret, text string) []byte {
	now := time.Now()
	chat := must(message.EncodeChatMessage(message.NewText(message.TextParams{
		Text: text, ChatID: s.peer.Identity.Hex(), Clock: uint64(now.UnixMilli()), Timestamp: uint64(now.UnixMilli()),
	})))
	signed := must(message.Wrap(s.self.Identity, wire.ApplicationMetadataMessage_CHAT_MESSAGE, chat))
	plain := must(datasync.Encode(datasync.Payload{Messages: []datasync.Message{{
		GroupID: datasync.GroupID(s.self.Identity.Public(), s.peer.Identity), Timestamp: now.Unix(), Body: signed}}}))
	return must(payload.SealSymmetric(rand.Reader, topic, s.self.Identity, s.seal(plain, s.bundle)))
}

func (s *side) read(topic key.Secret, envelope []byte) string {
	opened := must(payload.OpenSymmetric(topic, envelope))
	data := must(datasync.Decode(s.open(opened.Data)))
	application := must(message.Unwrap(data.Messages[0].Body))
	return must(message.DecodeChatMessage(application.Payload)).GetText()
}
