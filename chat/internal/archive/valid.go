package archive

import (
	"errors"
	"fmt"
	"slices"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// What an archive says is looked at as if a stranger had made it: a file may come from
// anywhere, and its passphrase with it. What is refused says which field is wrong. Names and
// texts are cut and cleaned instead, as when they came by the network: an earlier version may
// have stored them in another way.

const (
	// maxTime bounds times and clocks, ms: JSON numbers are exact up to 2^53.
	maxTime = contact.MaxClock
	// maxDevices bounds the devices noted with a message: those of both sides.
	maxDevices = 2 * session.MaxKnownInstallations
	// maxNodes bounds the store nodes that a message says to be at: more than are asked.
	maxNodes = 16
	// maxAttachments bounds the attachments of a message: the Status app has one in each.
	maxAttachments = 4
	// maxWord bounds identifiers: of devices, nodes, states and kinds, in bytes.
	maxWord = 128
)

// bad is the error of a field.
func bad(field, why string) error { return fmt.Errorf("%s %s", field, why) }

// first returns the first of several errors.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// inTime checks times and clocks.
func inTime(field string, times ...int64) error {
	for _, t := range times {
		if t < 0 || t > maxTime {
			return bad(field, "is no time")
		}
	}
	return nil
}

func inClock(field string, clocks ...uint64) error {
	for _, c := range clocks {
		if c > maxTime {
			return bad(field, "is no clock")
		}
	}
	return nil
}

// short checks words that programs compare.
func short(field string, words ...string) error {
	for _, w := range words {
		if len(w) > maxWord {
			return bad(field, "is too long")
		}
	}
	return nil
}

// person parses the key of somebody else.
func person(field string, b []byte, owner key.Public) (key.Public, error) {
	k, err := key.ParsePublic(b)
	switch {
	case err != nil || len(b) != key.CompressedSize:
		return k, bad(field, "is no key")
	case k == owner:
		return k, bad(field, "is the key of the identity itself")
	}
	return k, nil
}

// digest checks the id of a message; it may be missing if optional.
func digest(field string, b []byte, optional bool) error {
	if len(b) == 32 || optional && len(b) == 0 {
		return nil
	}
	return bad(field, "is no message id")
}

// isKeyOf reports whether a record has the private key of an identity.
func isKeyOf(rec *wire.IdentityRecord, owner key.Public) bool {
	k, err := key.ParsePrivate(rec.GetPrivateKey())
	return err == nil && k.Public() == owner
}

// validIdentity checks the identity and its profile.
func (s *Sink) validIdentity(rec *wire.IdentityRecord, owner key.Public) error {
	if !isKeyOf(rec, owner) {
		return bad("private_key", "is not the key of the identity")
	}
	if rec.GetPhrase() != "" {
		if _, err := identity.ParsePhrase(rec.GetPhrase()); err != nil {
			return bad("phrase", "is no seed phrase")
		}
	}
	if rec.GetColour() > message.MaxColour+1 {
		return bad("colour", "is none")
	}
	rec.DisplayName = text.Shown(rec.GetDisplayName(), s.t.MaxDisplayName, text.Name)
	rec.Bio = text.Shown(rec.GetBio(), message.MaxBio, text.Lines)
	return first(
		inClock("profile_clock", rec.GetProfileClock(), rec.GetDisplayNameClock(), rec.GetBioClock(), rec.GetColourClock(), rec.GetPictureClock()), validPicture(rec.GetPicture()))
}

func validPicture(rec *wire.PictureRecord) error {
	if rec == nil {
		return nil
	}
	if p, err := message.CheckPicture(rec.GetPayload()); err != nil || int32(p.Format) != rec.GetFormat() {
		return bad("picture", "is none")
	}
	return nil
}

// validContact checks the record of a person.
func (s *Sink) validContact(rec *wire.ContactRecord, who []byte) error {
	if string(rec.GetKey()) != string(who) {
		return bad("key", "is another one")
	}
	if _, err := contact.ParsePropagated(uint64(rec.GetLocalState()), rec.GetLocalClock(),
		uint64(rec.GetRemoteState()), rec.GetRemoteClock(), contact.MaxClock); err != nil {
		return bad("local_state", "and remote_state are no state of requests")
	}
	if (rec.GetVerifiedAt() == 0) != (rec.GetVerifiedBy() == "") || rec.GetVerifiedBy() != "" && !slices.Contains(s.t.Verified, rec.GetVerifiedBy()) {
		return bad("verified_by", "is no way to verify")
	}
	if !slices.Contains([]string{"", "x3dh", noise}, rec.GetKeyExchange()) || !slices.Contains([]string{"", "wait", "x3dh"}, rec.GetWhileWaiting()) {
		return bad("key_exchange", "is none")
	}
	rec.Name, rec.DisplayName = text.Shown(rec.GetName(), s.t.MaxName, text.Name), text.Shown(rec.GetDisplayName(), s.t.MaxName, text.Name)
	rec.Bio = text.Shown(rec.GetBio(), message.MaxBio, text.Lines)
	err := first(
		digest("request_id", rec.GetRequestId(), true), digest("sent_request_id", rec.GetSentRequestId(), true),
		inClock("profile_clock", rec.GetProfileClock()),
		inTime("added_at", rec.GetAddedAt()), inTime("blocked_at", rec.GetBlockedAt()),
		inTime("verified_at", rec.GetVerifiedAt(), rec.GetUnverifiedAt()), inTime("removed_at", rec.GetRemovedAt(), rec.GetUnblockedAt()),
		inClock("name_clock", rec.GetNameClock()))
	// What they and we said later must count again. The rest is bounded when it is stored.
	latest := s.t.LatestClock()
	rec.ProfileClock, rec.LocalClock, rec.RemoteClock = min(rec.GetProfileClock(), latest), min(rec.GetLocalClock(), latest), min(rec.GetRemoteClock(), latest)
	return err
}

// validQuestion checks a verification.
func (s *Sink) validQuestion(rec *wire.VerificationRecord, owner key.Public) error {
	if _, err := person("peer", rec.GetPeer(), owner); err != nil {
		return err
	}
	if !s.t.QuestionState(rec.GetState()) {
		return bad("state", "is none of a question")
	}
	for _, text := range []string{rec.GetQuestion(), rec.GetAnswer()} {
		if err := message.ValidateQuestion(text); err != nil && !errors.Is(err, message.ErrQuestionEmpty) {
			return bad("question", "is none")
		}
	}
	return first(
		digest("id", rec.GetId(), true),
		inClock("asked_clock", rec.GetAskedClock(), rec.GetAnsweredClock()), inTime("asked_at", rec.GetAskedAt(), rec.GetAnsweredAt()))
}

// withPerson checks the id of a conversation.
func withPerson(chat []byte, owner key.Public) error {
	k, err := message.ConversationID(chat).Public()
	if err != nil || k == owner {
		return bad("chat", "is not with a person")
	}
	return nil
}

func validChat(rec *wire.ChatRecord, owner key.Public) error {
	rec.ExpiresIn = min(rec.GetExpiresIn(), message.MaxExpiry)
	return first(withPerson(rec.GetKey(), owner), inClock("clock", rec.GetClock(), rec.GetExpiresInClock()), validMarks(rec))
}

// validMarks checks what the user has done with a chat. How far its clocks may be ahead is up
// to whoever merges them.
func validMarks(rec *wire.ChatRecord) error {
	m := rec.GetMarks()
	if m != nil {
		m.Draft = text.Cut(m.GetDraft(), message.MaxDraft)
	}
	return first(
		inClock("read_clock", rec.GetReadClock()), digest("read_id", rec.GetReadId(), rec.GetReadClock() == 0),
		inClock("cleared_clock", rec.GetClearedClock(), rec.GetDeletedClock()), inTime("muted_until", m.GetMutedUntil()),
		inClock("marks", m.GetMutedClock(), m.GetArchivedClock(), m.GetUnreadClock(), m.GetDraftClock()))
}

// validExpiry checks when a message is to be erased.
func validExpiry(rec *wire.MessageRecord) error {
	in, at := rec.GetExpiresIn(), rec.GetExpiresAt()
	if (in == 0) != (at == 0) || in > message.MaxExpiry || at < 0 || at > maxTime {
		return bad("expires_at", "is no time to be erased")
	}
	return nil
}

// validMessage checks a message: from whom it is decides what it can be.
func (s *Sink) validMessage(rec *wire.MessageRecord, owner key.Public) error {
	if err := first(digest("id", rec.GetId(), false), withPerson(rec.GetChat(), owner)); err != nil {
		return err
	}
	from := owner.Compressed()
	if !rec.GetOutgoing() {
		from = rec.GetChat()[1:]
	}
	switch {
	case string(rec.GetFrom()) != string(from):
		return bad("from", "is not who writes in this chat")
	case !s.t.MessageState(rec):
		return bad("state", "is none of a message of its direction")
	case len(rec.GetDevices()) > maxDevices || len(rec.GetEvidenceNodes()) > maxNodes:
		return bad("devices", "are too many")
	}
	if err := s.validAttachments(rec); err != nil {
		return err
	}
	if err := s.validActions(rec, owner); err != nil {
		return err
	}
	rec.Read = rec.GetRead() || rec.GetOutgoing()
	rec.SenderName = text.Shown(rec.GetSenderName(), s.t.MaxName, text.Name)
	cleanContent(rec, owner)
	if err := validExpiry(rec); err != nil {
		return err
	}
	for _, d := range rec.GetDevices() {
		if err := first(short("installation_id", d.GetInstallationId()), inTime("at", d.GetAt())); err != nil {
			return err
		}
	}
	return first(
		short("kind", rec.GetKind(), rec.GetFailure(), rec.GetEvidenceKind(), rec.GetEvidenceInstallation()),
		short("evidence_nodes", rec.GetEvidenceNodes()...),
		inClock("clock", rec.GetClock()), inTime("sent_at", rec.GetSentAt(), rec.GetReceivedAt(), rec.GetEvidenceAt(), rec.GetClockSkew()))
}

// validAttachments checks what a message says of its pictures and recordings.
func (s *Sink) validAttachments(rec *wire.MessageRecord) error {
	if len(rec.GetAttachments()) > maxAttachments {
		return bad("attachments", "are too many")
	}
	for _, at := range rec.GetAttachments() {
		if err := s.t.Attachment(at); err != nil {
			return err
		}
	}
	for _, p := range rec.GetPreviews() {
		if p.GetThumbnailSize() > message.MaxPreviewPicture || (len(p.GetThumbnailId()) == 32) != (p.GetThumbnailSize() > 0) {
			return bad("thumbnail_id", "names no picture of a preview")
		}
	}
	return short("album", rec.GetAlbum())
}
