package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
)

// SetPresenceParams are the parameters of presence.set.
type SetPresenceParams struct {
	// Status is "automatic" (there while this client is open and online; repeated every five
	// minutes), "always_online", "do_not_disturb", "inactive", or "off", which ends the
	// publishing.
	Status enum.PresenceChoice `json:"status"`
	// Text is a text beside it, at most 128 code points.
	Text string `json:"text,omitempty"`
}

// PresenceResult is the result of the presence methods.
type PresenceResult struct {
	// Presence is how we are to be seen; null if that is not published.
	Presence *event.Presence `json:"presence"`
}

var presenceMethods = []Method{
	method("presence.get", "Returns how we are to be seen, as it is published.",
		stored(chat.CodeNoIdentity), getPresence),
	method("presence.set", "Publishes how we are to be seen, until it is set to off, also after a restart. Nothing is published unless this is called. "+
		"Everybody who knows our key can read it, and see when this client is online. What was published before stays with those who read it: contacts go on to see its online_until. "+
		"What contacts publish is in contacts.get and reported by presence_changed events.",
		stored(chat.CodeNoIdentity, chat.CodeTooLong, chat.CodeEmpty), setPresence),
}

func getPresence(_ context.Context, c *chat.Client, _ Empty) (PresenceResult, error) {
	p, err := c.Presence()
	return PresenceResult{Presence: p}, err
}

func setPresence(_ context.Context, c *chat.Client, p SetPresenceParams) (PresenceResult, error) {
	set, err := c.SetPresence(string(p.Status), p.Text)
	return PresenceResult{Presence: set}, err
}
