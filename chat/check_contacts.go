package chat

import (
	"bytes"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// known looks at what is kept of people beside their contact records: pictures,
// questions, and what they were told of us.
func (in *inspection) known() error {
	for _, walk := range []func() error{in.requests, in.pictures, in.verifications, in.introduced} {
		if err := walk(); err != nil {
			return err
		}
	}
	return nil
}

// requests looks whether the states are some that can be.
func (in *inspection) requests() error {
	return in.each(tableContacts, func(_, value []byte) error {
		var rec wire.ContactRecord
		if err := decodeRecord(tableContacts, value, &rec); err != nil {
			return err
		}
		if _, err := contact.ParsePropagated(uint64(rec.GetLocalState()), rec.GetLocalClock(),
			uint64(rec.GetRemoteState()), rec.GetRemoteClock(), contact.MaxClock); err != nil {
			in.tell(tableContacts, "the contact requests of a contact are in no state")
		}
		if rec.GetPictureFormat() == 0 {
			return nil
		}
		found, err := in.holds(tablePictures, rec.GetKey())
		if err == nil && !found {
			in.tell(tableContacts, "the picture of a contact is missing")
		}
		return err
	})
}

func (in *inspection) pictures() error {
	return in.each(tablePictures, func(name, value []byte) error {
		var rec wire.PictureRecord
		if err := decodeRecord(tablePictures, value, &rec); err != nil {
			return err
		}
		if p, err := message.CheckPicture(rec.GetPayload()); err != nil || int32(p.Format) != rec.GetFormat() {
			in.tell(tablePictures, "a picture is none")
		}
		found, err := in.holds(tableContacts, name)
		if err == nil && !found {
			in.tell(tablePictures, "a picture is of nobody")
		}
		return err
	})
}

func (in *inspection) verifications() error {
	return in.each(tableVerifications, func(name, value []byte) error {
		var rec wire.VerificationRecord
		if err := decodeRecord(tableVerifications, value, &rec); err != nil {
			return err
		}
		direction := byte(askedUs)
		if rec.GetOutgoing() {
			direction = askedThem
		}
		if !bytes.Equal(name, append(bytes.Clone(rec.GetPeer()), direction)) || !isID(rec.GetId()) {
			in.tell(tableVerifications, "a question is not what its name says")
		}
		return nil
	})
}

func (in *inspection) introduced() error {
	return in.each(tableIntroduced, func(name, value []byte) error {
		var rec wire.IntroducedRecord
		if err := decodeRecord(tableIntroduced, value, &rec); err != nil {
			return err
		}
		if _, ok := chatName(name); !ok {
			in.tell(tableIntroduced, "a record is of nobody")
		}
		return nil
	})
}
