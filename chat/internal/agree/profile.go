package agree

import (
	"bytes"
	"cmp"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/wire"
)

// JoinProfile returns the identity with the parts of the profile that another device of ours
// chose later. behind reports that the other device does not know all of it.
func JoinProfile(have *wire.IdentityRecord, came *wire.OwnProfile) (next *wire.IdentityRecord, behind bool) {
	next = proto.CloneOf(have)
	name := contact.JoinMarks(contact.Mark[string]{Value: have.GetDisplayName(), Clock: have.GetDisplayNameClock()},
		contact.Mark[string]{Value: came.GetDisplayName(), Clock: came.GetDisplayNameClock()})
	bio := contact.JoinMarks(contact.Mark[string]{Value: have.GetBio(), Clock: have.GetBioClock()},
		contact.Mark[string]{Value: came.GetBio(), Clock: came.GetBioClock()})
	colour := contact.JoinMarks(contact.Mark[uint32]{Value: have.GetColour(), Clock: have.GetColourClock()},
		contact.Mark[uint32]{Value: came.GetColour(), Clock: came.GetColourClock()})
	next.DisplayName, next.DisplayNameClock = name.Value, name.Clock
	next.Bio, next.BioClock = bio.Value, bio.Clock
	next.Colour, next.ColourClock = colour.Value, colour.Clock
	said := ProfileOf(next)
	said.Devices = came.GetDevices()
	return next, !proto.Equal(said, came)
}

// ProfileOf returns the profile of an identity in the form that is sent to other devices,
// without the names of devices.
func ProfileOf(rec *wire.IdentityRecord) *wire.OwnProfile {
	return &wire.OwnProfile{
		DisplayName: rec.GetDisplayName(), DisplayNameClock: rec.GetDisplayNameClock(),
		Bio: rec.GetBio(), BioClock: rec.GetBioClock(), Colour: rec.GetColour(), ColourClock: rec.GetColourClock(),
	}
}

// LaterPicture reports whether a picture of the own profile that another device tells of wins
// over the one that is here. No picture is one that was taken away.
func LaterPicture(have *wire.IdentityRecord, clock uint64, payload []byte) bool {
	return cmp.Or(cmp.Compare(clock, have.GetPictureClock()), bytes.Compare(payload, have.GetPicture().GetPayload())) > 0
}

// JoinDeviceName gives a device the name that another one tells, if that wins.
func JoinDeviceName(rec *wire.AgreedDeviceRecord, came *wire.OwnDeviceName) (changed bool) {
	have := contact.Mark[string]{Value: rec.GetName(), Clock: rec.GetNameClock()}
	next := contact.JoinMarks(have, contact.Mark[string]{Value: came.GetName(), Clock: came.GetClock()})
	rec.Name, rec.NameClock = next.Value, next.Clock
	return next != have
}
