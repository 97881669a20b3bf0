package chat

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/picture"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// Profile is the part of an identity that other people see.
type Profile struct {
	DisplayName string `json:"display_name"`
	Bio         string `json:"bio"`
	// Color is the accent colour in the Status app, 0 to 17.
	Color int `json:"color"`
	// Picture is our picture and its type; left out if there is none.
	Picture *ProfilePicture `json:"picture,omitempty"`
	// Link is the Status link to us, with our display name and bio.
	Link string `json:"link"`
	// ShownByStatus is true if the Status app shows this display name: 5 to 24
	// characters, letters a to z, digits, spaces, _ and -.
	ShownByStatus bool `json:"shown_by_status"`
}

// ProfilePicture is a profile picture in a known image format.
type ProfilePicture struct {
	MIME string `json:"mime"` // image/jpeg, image/png, image/gif or image/webp
	Data []byte `json:"data"` // base64
}

// ProfileChange is a change of a profile; nil leaves a part as it is.
type ProfileChange struct {
	DisplayName *string
	Bio         *string
	Color       *int
	Picture     *[]byte // an empty one takes the picture away
}

// accent is our accent colour.
func (a *account) accent() uint32 {
	if a.colour == 0 {
		return message.DefaultColour
	}
	return a.colour - 1
}

// Profile is our own profile.
func (c *Client) Profile() (Profile, error) {
	a, err := c.account()
	if err != nil {
		return Profile{}, err
	}
	p := Profile{
		DisplayName: a.displayName, Bio: a.bio, Color: int(a.accent()),
		ShownByStatus: a.displayName != "" && message.StatusName(a.displayName) == a.displayName,
	}
	if a.picture != nil {
		p.Picture = &ProfilePicture{MIME: message.MIMEOf(wire.ImageFormat(a.picture.GetFormat())), Data: a.picture.GetPayload()}
	}
	p.Link, err = identity.Link{Key: a.public, DisplayName: a.displayName, Description: a.bio}.Format()
	return p, err
}

// SetProfile changes our profile. All who listen learn of it with our next contact code,
// and each with the next message to them. A new name is sent to up to maxRepairs contacts
// at once, in a message that is repeated until it is acknowledged.
func (c *Client) SetProfile(change ProfileChange) (Profile, error) {
	change, err := change.clean()
	if err != nil {
		return Profile{}, err
	}
	if err := change.validate(); err != nil {
		return Profile{}, err
	}
	if err := c.changeAccount(change.apply); err != nil {
		return Profile{}, err
	}
	return c.Profile()
}

// clean is the change with name and bio as they are stored. Errors: those of cleanName.
func (p ProfileChange) clean() (ProfileChange, error) {
	if p.DisplayName != nil {
		name, err := cleanName("display_name", *p.DisplayName, MaxDisplayName)
		if err != nil {
			return p, err
		}
		p.DisplayName = &name
	}
	if p.Bio != nil {
		bio, err := cleanLines("bio", *p.Bio, message.MaxBio)
		if err != nil {
			return p, err
		}
		p.Bio = &bio
	}
	return p, nil
}

// validate checks what is changed. Errors: CodeBadParams, CodeBadPicture.
func (p ProfileChange) validate() error {
	if p.Color != nil && (*p.Color < 0 || *p.Color > message.MaxColour) {
		return Errorf(CodeBadParams, "color", "the colour must be 0 to %d", message.MaxColour).With("max", message.MaxColour)
	}
	if p.Picture == nil || len(*p.Picture) == 0 {
		return nil
	}
	if _, err := message.CheckPicture(*p.Picture); err != nil {
		why := "the picture is not JPEG, PNG, GIF or WebP"
		if errors.Is(err, message.ErrPictureSize) {
			why = "the picture is too large"
		}
		return Errorf(CodeBadPicture, "picture", "%s", why).Because(err).
			With("max_bytes", message.MaxPicture).With("max_side", message.MaxPictureSide)
	}
	return nil
}

// apply makes the change in an account that is not in use yet.
func (p ProfileChange) apply(a *account) {
	if p.DisplayName != nil {
		a.displayName = *p.DisplayName
	}
	if p.Bio != nil {
		a.bio = *p.Bio
	}
	if p.Color != nil {
		a.colour = uint32(*p.Color) + 1
	}
	if p.Picture == nil {
		return
	}
	a.picture = nil
	if picture, err := message.CheckPicture(*p.Picture); err == nil {
		a.picture = &wire.PictureRecord{Format: int32(picture.Format), Payload: picture.Data}
	}
}

// changeAccount stores a changed account and makes it the one in use. The contact code is
// due at once, because it carries the profile.
func (c *Client) changeAccount(change func(*account)) error {
	defer c.beginTurn().End() // the loop must not replace the account meanwhile
	a, err := c.account()
	if err != nil {
		return err
	}
	next := *a
	change(&next)
	clock, err := c.ownClock(a, c.now(), max(a.profileClock, a.clocks.latest()))
	if err != nil {
		return err
	}
	next.profileClock = clock
	subjects := next.stamp(a, clock)
	err = c.update(func(t *txn) error {
		for _, s := range subjects {
			if err := t.agreed(s); err != nil {
				return err
			}
		}
		return ledger.Put(t, tableMeta, metaIdentity, next.record())
	})
	if err != nil {
		return err
	}
	c.self.Store(&next)
	c.sessions.code.next = c.now()
	if next.displayName != a.displayName {
		c.announceName()
	}
	c.kick()
	return nil
}

// chatIdentity is our profile as others get it; nil when there is nothing to show.
// The picture is for contacts only: the contact code can be read by everybody who
// knows our key.
func (a *account) chatIdentity(withPicture bool) *wire.ChatIdentity {
	if a.displayName == "" && a.bio == "" && a.picture == nil {
		return nil
	}
	p := message.ProfileParams{
		Clock: cmp.Or(a.profileClock, uint64(a.createdAt)), DisplayName: a.displayName, Bio: a.bio, Colour: a.accent(),
	}
	if a.picture != nil && withPicture {
		p.Picture = &message.Picture{Format: wire.ImageFormat(a.picture.GetFormat()), Data: a.picture.GetPayload()}
	}
	return message.NewProfile(p)
}

// profileNews is a person's own description of themselves, as it came in.
type profileNews struct {
	clock   uint64
	name    string
	whole   bool // a ChatIdentity: what is missing is not there
	bio     string
	picture *message.Picture
}

// profile accepts a ChatIdentity. It returns false for one that is to come again, because its
// clock is too far ahead.
// Spec: 62/STATUS-PAYLOADS leaves it out; deployed.
func (p *pass) profile(m *inbound, ci *wire.ChatIdentity) bool {
	of := m.sender
	if ci == nil || of == p.a.public {
		return true
	}
	if ci.GetClock() > message.LatestClock(p.now) && ci.GetClock() > message.LatestClock(p.judged(m)) {
		p.c.counters.drop("contact_clock")
		return false
	}
	news := profileNews{clock: ci.GetClock(), name: ci.GetDisplayName(), whole: true, bio: text.Shown(ci.GetDescription(), message.MaxBio, text.Lines)}
	// A picture has up to a megabyte: people who came unasked leave none with us.
	if s, _ := p.c.people.contacts.get(of); len(ci.GetImages()) > 0 && (s.added || s.request.Added()) {
		shared, err := p.a.self.Identity.ECDH(of)
		if err == nil {
			news.picture = message.PictureOf(ci, shared)
		}
	}
	p.do(func(t *txn) error { return t.profileOf(of, news) })
	return true
}

// profileOf stores what somebody says about themselves, if it is newer than what is there.
// At the same clock only a picture is applied, because the contact code carries the same
// profile without it.
func (t *txn) profileOf(k key.Public, news profileNews) error {
	if !t.c.people.contacts.hears(k) {
		return nil
	}
	if !utf8.ValidString(news.name) || !utf8.ValidString(news.bio) {
		return nil
	}
	rec, err := contactRecord(t, k)
	if err != nil || news.clock < rec.GetProfileClock() || news.clock == rec.GetProfileClock() && news.picture == nil {
		return err
	}
	before := proto.CloneOf(rec)
	if name := text.Shown(news.name, MaxName, text.Name); name != "" {
		rec.DisplayName = name
	}
	shown := false
	if news.whole {
		rec.Bio = news.bio
		if shown, err = t.pictureOf(rec, news.picture); err != nil {
			return err
		}
	}
	same := proto.Equal(before, rec) && !shown
	if !same && !t.c.countChange(k, rec) {
		return nil // a profile is not acknowledged, so it is dropped rather than refused
	}
	rec.ProfileClock = news.clock
	if err := t.putContact(k, rec); err != nil || same {
		return err
	}
	return t.Emit(event.ContactChanged{Contact: contactOf(rec)})
}

// pictureOf stores somebody's picture and reports whether it is a new one. No picture
// leaves the last one there: they may have sent this profile to everybody, and
// pictures are for contacts.
func (t *txn) pictureOf(rec *wire.ContactRecord, p *message.Picture) (shown bool, err error) {
	if p == nil {
		return false, nil
	}
	var old wire.PictureRecord
	if _, err := ledger.Get(t, tablePictures, rec.GetKey(), &old); err != nil || bytes.Equal(old.GetPayload(), p.Data) {
		return false, err
	}
	rec.PictureFormat = int32(p.Format)
	return true, ledger.Put(t, tablePictures, rec.GetKey(), &wire.PictureRecord{Format: int32(p.Format), Payload: p.Data})
}

// ContactPicture returns the picture that a person has sent us.
func (c *Client) ContactPicture(k key.Public) (ProfilePicture, error) {
	if _, err := c.account(); err != nil {
		return ProfilePicture{}, err
	}
	var rec wire.PictureRecord
	found, err := c.ledger.Get(tablePictures, k.Compressed(), &rec)
	if err != nil {
		return ProfilePicture{}, err
	}
	if !found {
		return ProfilePicture{}, Errorf(CodeNotFound, "key", "there is no picture of this person")
	}
	return ProfilePicture{MIME: message.MIMEOf(wire.ImageFormat(rec.GetFormat())), Data: rec.GetPayload()}, nil
}

// pictures looks whether pictures read back and belong to somebody.
func (in *inspection) pictures() error {
	return in.Each(tablePictures, func(name, value []byte) error {
		var rec wire.PictureRecord
		if err := ledger.Decode(tablePictures, value, &rec); err != nil {
			return err
		}
		if p, err := message.CheckPicture(rec.GetPayload()); err != nil || int32(p.Format) != rec.GetFormat() {
			in.Report(tablePictures, "a picture is none")
		}
		found, err := in.Holds(tableContacts, name)
		if err == nil && !found {
			in.Report(tablePictures, "a picture is of nobody")
		}
		return err
	})
}

// ReadQR returns the text of the QR code in a PNG or JPEG picture; field is the parameter that
// holds the picture. Error: CodeBadPicture.
func ReadQR(field string, image []byte) (string, error) {
	text, err := picture.ReadQR(image)
	if err == nil {
		return text, nil
	}
	cause := picture.Cause(err)
	why := map[string]string{
		"format":    "it is no PNG or JPEG, or it is damaged",
		"too_large": fmt.Sprintf("it has more than %d bytes or %d pixels", picture.MaxBytes, picture.MaxPixels),
		"no_code":   "there is no QR code in it that can be read",
		"content":   "the QR code in it holds no text",
	}[cause]
	return "", Errorf(CodeBadPicture, field, "%s", why).Because(err).With("cause", cause)
}
