package chat_test

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// picture is a picture of an album, as the Status app sends it.
func (g *rawPeer) picture(t *testing.T, album string, shade uint8) (chat.Envelope, [32]byte) {
	t.Helper()
	clock := g.next()
	m := message.NewChatMessage(message.ChatParams{
		TextParams: message.TextParams{Text: "holidays", ChatID: g.to.Hex(), Clock: clock, Timestamp: clock},
		Image:      &wire.ImageMessage{Payload: drawing(t, shade), Format: wire.ImageFormat_PNG, AlbumId: album, AlbumImagesCount: 3, Width: 40, Height: 20},
	})
	return g.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, m, false)
}

// album waits until somebody has so many pictures of an album, and returns them.
func (p *person) album(id [32]byte, n int) (list []event.Message) {
	p.t.Helper()
	eventually(p.t, "the album", func() bool {
		var err error
		list, err = p.Album(id)
		return err == nil && len(list) == n
	})
	return list
}

// untilAll waits until something is true of all pictures of an album.
func (p *person) untilAll(id [32]byte, n int, what string, ok func(event.Message) bool) {
	p.t.Helper()
	eventually(p.t, p.name+": "+what, func() bool {
		list, err := p.Album(id)
		return err == nil && len(list) == n && !slices.ContainsFunc(list, func(m event.Message) bool { return !ok(m) })
	})
}

func isGone(m event.Message) bool {
	return m.Deleted != nil && m.Text == "" && len(m.Attachments) == 0
}

// TestAlbumIsDeletedWhole: one edit is an edit of each picture, and a deletion of one of them
// deletes all, for the other person and on our other device.
func TestAlbumIsDeletedWhole(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 36})
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	phone, bob := secondDevice(t, "phone", k, net), newPerson(t, "bob", net)
	laptop := secondDevice(t, "laptop", k, net)
	wait(phone, "the laptop", func(event.DeviceFound) bool { return true })
	if _, err := phone.EnableDevice(laptop.installation()); err != nil {
		t.Fatal(err)
	}
	three := func() [32]byte {
		return mustID(t, phone.attach(bob, "holidays", chat.AttachmentRequest{Data: drawing(t, 1)},
			chat.AttachmentRequest{Data: drawing(t, 2)}, chat.AttachmentRequest{Data: drawing(t, 3)}).ID)
	}
	all, ctx := []*person{phone, laptop, bob}, context.Background()
	first, second := three(), three()
	for _, p := range all {
		p.album(first, 3)
		p.album(second, 3)
	}
	middle := mustID(t, phone.album(first, 3)[1].ID)
	if m, err := phone.EditMessage(ctx, middle, "by the sea"); err != nil || m.Text != "by the sea" || mustID(t, m.ID) != middle {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, p := range all {
		p.untilAll(first, 3, "the edit", func(m event.Message) bool {
			return m.Text == "by the sea" && m.Edited != nil && len(m.Attachments) == 1
		})
	}
	if m, err := phone.DeleteMessage(ctx, middle, true); err != nil || !isGone(m) {
		t.Fatalf("%+v, %v", m, err)
	}
	last := mustID(t, phone.album(second, 3)[2].ID)
	if m, err := laptop.DeleteMessage(ctx, last, false); err != nil || !isGone(m) || m.Deleted.ForEveryone {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, p := range all {
		p.untilAll(first, 3, "the deletion", func(m event.Message) bool { return isGone(m) && m.Deleted.ForEveryone })
	}
	for _, p := range []*person{phone, laptop} {
		p.untilAll(second, 3, "the deletion for us", func(m event.Message) bool { return isGone(m) && !m.Deleted.ForEveryone })
	}
	bob.send(phone, "that was all")
	phone.waitText("that was all")
	bob.untilAll(second, 3, "what was deleted for others", func(m event.Message) bool { return m.Text == "holidays" && m.Deleted == nil })
	for _, p := range all {
		p.sound()
	}
}

// TestAlbumDeletedBefore: a picture that comes when another of its album was deleted is
// deleted, also if the deletion names one that comes last; somebody else's pictures under the
// same id are another album.
func TestAlbumDeletedBefore(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 37})
	victim := newPerson(t, "victim", net)
	bob, eve := newRawPeer(t, net, victim.key()), newRawPeer(t, net, victim.key())
	for _, g := range []*rawPeer{bob, eve} {
		if _, err := victim.AddContact(g.key(), ""); err != nil {
			t.Fatal(err)
		}
	}
	there := func(id [32]byte) {
		eventually(t, "a picture", func() bool { _, err := victim.Message(id); return err == nil })
	}
	for name, named := range map[string]int{"one that is here": 0, "one that comes last": 2} {
		var pictures []chat.Envelope
		var ids [][32]byte
		for i := range 3 {
			e, id := bob.picture(t, name, uint8(i))
			pictures, ids = append(pictures, e), append(ids, id)
		}
		net.Inject(pictures[0])
		there(ids[0])
		e, eves := eve.picture(t, name, 9)
		net.Inject(e)
		there(eves)
		bob.delete(ids[named])
		bob.done(victim)
		if m := victim.shows(ids[0]); isGone(m) != (named == 0) {
			t.Errorf("%s: after the deletion the first is %+v", name, m)
		}
		net.Inject(pictures[1])
		there(ids[1])
		net.Inject(pictures[2])
		there(ids[2])
		for i, id := range ids {
			if m := victim.shows(id); !isGone(m) || m.Deleted.By != bob.key().Hex() {
				t.Errorf("%s: picture %d is %+v", name, i, m)
			}
		}
		if m := victim.shows(eves); m.Deleted != nil || len(m.Attachments) != 1 {
			t.Errorf("%s: eve's picture is %+v", name, m)
		}
	}
	victim.sound()
}
