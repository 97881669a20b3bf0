package chat_test

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// shown returns the visible results of the actions on a message as a text.
func shown(m event.Message) string {
	var parts []string
	for _, r := range m.Reactions {
		parts = append(parts, fmt.Sprint(r.Emoji, r.From[len(r.From)-4:], r.At))
	}
	sort.Strings(parts)
	edited, deleted := int64(0), "no"
	if m.Edited != nil {
		edited = *m.Edited
	}
	if m.Deleted != nil {
		deleted = fmt.Sprint(m.Deleted.At, m.Deleted.By[len(m.Deleted.By)-4:], m.Deleted.ForEveryone)
	}
	return fmt.Sprintf("%s %q %s edited %d deleted %s pinned %v %s", m.ID[:8], m.Text, m.Kind, edited, deleted, m.Pinned, strings.Join(parts, " "))
}

// dump returns the chat as a device shows it, newest first, without the messages in skip.
func (s *simulation) dump(d *simDevice, with *simPerson, skip map[string]bool) (all []string) {
	s.t.Helper()
	page, err := d.Messages(with.public, chat.PageRequest{Limit: 200})
	if err != nil || page.Next != "" {
		s.fatalf("%v, next %q", err, page.Next)
	}
	for _, m := range page.Items {
		if !skip[m.ID] {
			all = append(all, shown(m))
		}
	}
	return all
}

// actionRound does one random thing on a random device.
func (s *simulation) actionRound(forMe map[string]bool) {
	s.t.Helper()
	p := s.people[s.random.IntN(2)]
	with := s.people[1-slices.Index(s.people, p)]
	d := p.devices[s.random.IntN(2)]
	page, err := d.Messages(with.public, chat.PageRequest{Limit: 20})
	if err != nil {
		s.fatalf("%v", err)
	}
	defer func() { // the process may die in the call
		if v := recover(); v == errCrash {
			_ = d.node.Stop()
			s.start(d)
		} else if v != nil {
			panic(v)
		}
	}()
	if len(page.Items) == 0 || s.random.IntN(5) == 0 {
		s.say(d, with)
		return
	}
	m := page.Items[s.random.IntN(len(page.Items))]
	id, ctx := mustID(s.t, m.ID), context.Background()
	emoji := []string{"❤️", "👍", "😂", "🎅🏾"}[s.random.IntN(4)]
	switch s.random.IntN(12) {
	case 0, 1, 2:
		s.made++
		_, err = d.EditMessage(ctx, id, fmt.Sprintf("%s edited %d", d.owner.name, s.made))
	case 3, 4, 5, 6:
		_, err = d.React(ctx, id, emoji, s.random.IntN(3) == 0)
	case 7, 8, 9:
		_, err = d.Pin(ctx, id, s.random.IntN(2) == 0)
	case 10:
		_, err = d.DeleteMessage(ctx, id, true)
	default:
		forMe[m.ID] = true
		_, err = d.DeleteMessage(ctx, id, false)
	}
	if code := chat.CodeOf(err); err != nil && code != chat.CodeWrongState {
		s.fatalf("%v", err)
	}
}

// simulateActions has two people with two devices each do everything to messages, over a
// network that loses, doubles and reorders, with devices that die in between. In the end all
// four show the same.
func simulateActions(t *testing.T, seed uint64) {
	s := newSimulation(t, seed, 2, badNetwork)
	s.settings.KeepEdits = seed%2 == 0
	s.populate(func(int) int { return 2 })
	forMe, stores := map[string]bool{}, []*crashingStore{}
	for _, d := range s.devices {
		mortal := &crashingStore{Store: d.store, random: s.random}
		stores = append(stores, mortal)
		d.store = mortal
		s.restart(d)
	}
	for range 60 {
		for _, mortal := range stores {
			mortal.left = s.random.IntN(6) / 5
		}
		s.actionRound(forMe)
		for range s.random.IntN(8) {
			s.step()
		}
	}
	for _, mortal := range stores {
		mortal.left = 0
	}
	s.until("an empty outbox", s.quiet)
	// A message that was deleted for everyone before it had reached all devices is deleted on
	// some and nowhere on others.
	gone, said := map[string]bool{}, map[string]bool{}
	for i, p := range s.people {
		for _, d := range p.devices {
			page, err := d.Messages(s.people[1-i].public, chat.PageRequest{Limit: 200})
			if err != nil {
				s.fatalf("%v", err)
			}
			for _, m := range page.Items {
				if m.Deleted != nil && m.Deleted.ForEveryone {
					gone[m.ID], forMe[m.ID] = true, true
				} else if m.Deleted == nil {
					said[m.ID] = true
				}
				if m.Deleted != nil && m.Text != "" {
					s.fatalf("%s is deleted and says %q", m.ID, m.Text)
				}
			}
		}
	}
	for id := range gone {
		if said[id] {
			s.fatalf("%s is deleted for everyone, and not everywhere", id)
		}
	}
	var first []string
	for i, p := range s.people {
		with := s.people[1-i]
		one, other := s.dump(p.devices[0], with, gone), s.dump(p.devices[1], with, gone)
		if !slices.Equal(one, other) {
			s.fatalf("the devices of %s differ:\n%s\n\n%s", p.name, strings.Join(one, "\n"), strings.Join(other, "\n"))
		}
		all := s.dump(p.devices[0], with, forMe)
		if first == nil {
			first = all
		} else if !slices.Equal(first, all) {
			s.fatalf("the two people differ:\n%s\n\n%s", strings.Join(first, "\n"), strings.Join(all, "\n"))
		}
		for _, d := range p.devices {
			check, err := d.CheckStore(context.Background())
			if err != nil || len(check.Problems) > 0 {
				s.fatalf("%v, %v", check.Problems, err)
			}
		}
	}
}

func TestSimulationActions(t *testing.T) { seeds(t, 30, simulateActions) }
