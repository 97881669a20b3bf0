package attachments

import (
	"crypto/sha256"
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// The pictures of an album are messages of their own, and are deleted together. An album is
// of one author in one conversation: somebody else's pictures do not come into it by its id.

const (
	// MaxAlbum bounds the messages of an album that are known as such: the Status app sends
	// five. More are shown alone.
	MaxAlbum = 32
	// MaxAlbumID bounds the id of an album, in bytes: a UUID has 36.
	MaxAlbumID = 64
)

// albumName is the key of an album.
func albumName(rec *wire.MessageRecord) []byte {
	h := sha256.New()
	for _, part := range [][]byte{rec.GetChat(), rec.GetFrom(), []byte(rec.GetAlbum())} {
		h.Write([]byte{byte(len(part))})
		h.Write(part)
	}
	return h.Sum(nil)
}

// Album lists the messages of the album that a message is in, itself included; the message
// alone if it is in none. They are there, or were deleted and have left a tombstone.
func Album(tx port.Tx, rec *wire.MessageRecord) (ids [][32]byte, err error) {
	self := [32]byte(rec.GetId())
	if rec.GetAlbum() == "" {
		return [][32]byte{self}, nil
	}
	var album wire.AlbumRecord
	if _, err := ledger.Get(tx, tableAlbums, albumName(rec), &album); err != nil {
		return nil, err
	}
	for _, id := range album.GetMessages() {
		if len(id) == 32 {
			ids = append(ids, [32]byte(id))
		}
	}
	if !slices.Contains(ids, self) {
		ids = append(ids, self)
	}
	return ids, nil
}

// watchAlbum keeps the list of an album: a message comes to it when it is added, and leaves it
// when it is removed.
func watchAlbum(tx *ledger.Tx, before, after *wire.MessageRecord) error {
	switch {
	case before == nil && after.GetAlbum() != "":
		return changeAlbum(tx, after, func(list [][]byte) [][]byte {
			if len(list) >= MaxAlbum || slices.ContainsFunc(list, same(after.GetId())) {
				return list
			}
			return append(list, after.GetId())
		})
	case after == nil && before.GetAlbum() != "":
		return changeAlbum(tx, before, func(list [][]byte) [][]byte { return slices.DeleteFunc(list, same(before.GetId())) })
	}
	return nil
}

func same(id []byte) func([]byte) bool { return func(o []byte) bool { return string(o) == string(id) } }

func changeAlbum(tx *ledger.Tx, rec *wire.MessageRecord, change func([][]byte) [][]byte) error {
	var album wire.AlbumRecord
	name := albumName(rec)
	if _, err := ledger.Get(tx, tableAlbums, name, &album); err != nil {
		return err
	}
	if album.Messages = change(album.GetMessages()); len(album.Messages) == 0 {
		return tx.Delete(tableAlbums, name)
	}
	return ledger.Put(tx, tableAlbums, name, &album)
}
