package waku

import (
	"context"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// check returns one of the checks of a node, which must be made within the deadline.
func (s *station) check(t *testing.T, name string, deadline time.Duration) port.Check {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for _, c := range s.Examine(ctx) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no check %s", name)
	return port.Check{}
}

// says fails the test unless a check has this result, and all words in cause and remedy.
func says(t *testing.T, c port.Check, result port.CheckResult, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(c.Cause+" "+c.Remedy, word) {
			t.Errorf("%q is not said in %+v", word, c)
		}
	}
	if c.Result != result {
		t.Errorf("%+v, want %s", c, result)
	}
	t.Logf("%+v", c)
}

func TestDoctorNobody(t *testing.T) {
	s := start(t, Config{Listen: []string{}})
	says(t, s.check(t, "discovery", patience), port.CheckFailed, "neither peers nor a way", "network.preset")
	says(t, s.check(t, "shard", patience), port.CheckSkipped, "no peers")
	s = start(t, Config{Listen: []string{}, Exchange: true})
	says(t, s.check(t, "discovery", patience), port.CheckFailed, "nobody to ask")
	says(t, start(t, Config{}).check(t, "discovery", patience), port.CheckSkipped, "0 peers of its own")
	stopped := prepare(t, Config{})
	says(t, stopped.check(t, "discovery", patience), port.CheckSkipped, "not running")
}

// A node that is alone because it is elsewhere is told where the others are.
func TestDoctorElsewhere(t *testing.T) {
	for what, c := range map[string]Config{"cluster": {Cluster: 99}, "shard": {Shards: []uint16{7}}} {
		t.Run(what, func(t *testing.T) {
			other := start(t, Config{})
			c.Listen, c.Peers = []string{}, []string{other.address(t)}
			s := start(t, c)
			s.until(t, "an answer", func() bool { return len(s.elsewhere.counts()) > 0 })
			check := s.check(t, "shard", patience)
			says(t, check, port.CheckFailed, "cluster 16, shards [32]", "network.cluster", "alone")
			if what == "cluster" {
				says(t, check, port.CheckFailed, "cluster 99, shards [32]")
			} else {
				says(t, check, port.CheckFailed, "cluster 16, shards [7]")
			}
		})
	}
}

func TestDoctorShard(t *testing.T) {
	one := start(t, Config{Shards: []uint16{32, 0}})
	two := start(t, Config{Shards: []uint16{0}, Peers: []string{one.address(t)}})
	two.untilOnline(t)
	one.untilOnline(t)
	says(t, two.check(t, "shard", patience), port.CheckPassed, "/waku/2/rs/16/0")
	says(t, one.check(t, "shard", patience), port.CheckWarning, "preferred shard 32 has no peers", "/waku/2/rs/16/0")
	// A peer that has come back from elsewhere counts no more.
	one.elsewhere.note("x", nil, nil)
	if len(one.elsewhere.counts()) > 0 {
		t.Error("a peer of ours is elsewhere")
	}
}

func TestDoctorTree(t *testing.T) {
	good, foreign := start(t, Config{}), start(t, Config{Cluster: 99})
	key := newKey(t)
	url, signed := tree(t, key, good.record(t))
	_, forged := tree(t, newKey(t), good.record(t))
	replaced := maps.Clone(signed)
	for name, text := range replaced {
		if strings.HasPrefix(text, "enr:") {
			replaced[name] = foreign.record(t).String()
		}
	}
	for what, c := range map[string]struct {
		texts map[string]string
		words []string
	}{
		"another key":  {forged, []string{"signature", "answers for the domain"}},
		"another node": {replaced, []string{"hash", "answers for the domain"}},
		"nothing":      {nil, []string{"network.nameserver"}},
	} {
		t.Run(what, func(t *testing.T) {
			names := startNameserver(t)
			names.serve(c.texts)
			says(t, start(t, finding(url, names.address)).check(t, "discovery", patience), port.CheckFailed, c.words...)
		})
	}
	names := startNameserver(t)
	names.serve(signed)
	says(t, start(t, finding(url, names.address)).check(t, "discovery", patience), port.CheckPassed, "signed by the key")

	url, elsewhere := tree(t, key, foreign.record(t))
	names = startNameserver(t)
	names.serve(elsewhere)
	says(t, start(t, finding(url, names.address)).check(t, "discovery", patience), port.CheckFailed, "0 of our cluster", "network.cluster")

	// Nobody answers: the check ends with its deadline.
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := start(t, finding(url, silent.LocalAddr().String()))
	says(t, s.check(t, "discovery", time.Second), port.CheckFailed, "network.nameserver")
}

// What comes of topics that nobody has subscribed to is heard of too, and what we publish
// is not.
func TestDoctorHears(t *testing.T) {
	one := prepare(t, Config{})
	hooks, heard := one.hooks(), make(chan port.Envelope, 8)
	hooks.Heard = func(e port.Envelope) { heard <- e }
	if err := one.Start(t.Context(), hooks); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { one.stop(t) })
	two := start(t, Config{Peers: []string{one.address(t)}})
	two.untilOnline(t)
	one.untilOnline(t)
	own := envelope([]byte("own"))
	own.ContentTopic = "/own/1/topic/proto"
	one.publish(t, own)
	other := envelope([]byte("other"))
	other.ContentTopic = "/other/1/topic/proto"
	two.publish(t, other)
	select {
	case e := <-heard:
		if e.ContentTopic != other.ContentTopic || e.Timestamp != other.Timestamp || len(e.Payload) > 0 || e.PubsubTopic == "" {
			t.Errorf("%+v", e)
		}
	case <-time.After(patience):
		t.Fatal("nothing was heard")
	}
}
