package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"libstatus1to1/chat/port"
)

// The round trip of a probe: it is published, and each store node is asked for it by its
// hash until it has it. A probe is random bytes on a content topic of our own, which nobody
// subscribes to. It reveals to peers that a client of this library examines itself.

// probeTopic is the content topic of probes (23/WAKU2-TOPICS).
const probeTopic = "/libstatus1to1/1/doctor/proto"

const (
	probeSize = 32 // bytes of a probe
	// probeEvery is the least time between two probes. Store nodes keep each for weeks.
	probeEvery = time.Minute
	// probeWait is the time that a store node has until it must have a probe. The fleet's
	// nodes have it within a second.
	probeWait = 10 * time.Second
	// firstLook and lastLook are the least and the greatest wait between two questions to
	// one store node.
	firstLook = 100 * time.Millisecond
	lastLook  = 2 * time.Second
	// maxAsked bounds the store nodes that are asked.
	maxAsked = 8
)

// probe is the last probe and its result.
type probe struct {
	at    time.Time
	check port.Check
}

// roundTrip publishes a probe and reads it back, or returns the result of the last one if
// that is less than probeEvery old.
func (d *Doctor) roundTrip(ctx context.Context, status port.NetworkStatus) port.Check {
	skipped := port.Check{Name: "round_trip", Result: port.CheckSkipped}
	archive, ok := d.Net.(port.Archive)
	switch {
	case !ok:
		skipped.Cause = fmt.Sprintf("a network of kind %q has no store nodes", status.Kind)
		return skipped
	case status.State != port.NetworkOnline:
		skipped.Cause = "there is nobody to publish to"
		return skipped
	case len(archive.StoreNodes()) == 0:
		skipped.Cause = "there is no store node to read back from"
		return skipped
	}
	d.probing.Lock() // a second call waits, and gets the result of the first
	defer d.probing.Unlock()
	now := d.Now()
	if since := now.Sub(d.last.at); d.last.at.IsZero() || since < 0 || since >= probeEvery {
		d.last = probe{now, d.probe(ctx, archive)}
	}
	check := d.last.check
	if old := now.Sub(d.last.at).Truncate(time.Second); old > 0 {
		check.Cause += fmt.Sprintf(" (tried %s ago, and once a minute at most)", old)
	}
	check.Details = map[string]any{"age_ms": age(now, d.last.at), "store_nodes": check.Details["store_nodes"]}
	return check
}

// laterDeadline is the remedy where the deadline of the caller has ended a probe.
const laterDeadline = "ask again in a minute, with a later deadline"

// probe publishes a probe and reads it back.
func (d *Doctor) probe(ctx context.Context, archive port.Archive) port.Check {
	check := port.Check{Name: "round_trip", Result: port.CheckFailed}
	e := port.Envelope{PubsubTopic: d.Net.PubsubTopic(), ContentTopic: probeTopic, Payload: make([]byte, probeSize), Timestamp: d.Now().UnixNano()}
	if _, err := io.ReadFull(d.Rand, e.Payload); err != nil {
		check.Cause = "there is no randomness"
		return check
	}
	short, cancel := context.WithTimeout(ctx, probeWait)
	defer cancel()
	evidence, err := d.Net.Publish(short, e)
	switch {
	case err != nil && ctx.Err() != nil:
		check.Result, check.Remedy = port.CheckSkipped, laterDeadline
		check.Cause = "the deadline came before an envelope was published"
		return check
	case err != nil:
		check.Cause = "an envelope could not be published: " + err.Error()
		check.Remedy = "see the other checks; if they have found nothing, the peers are connected and do not answer: wait, or name others in network.peers"
		return check
	}
	hash := evidence.Hash
	if hash == [32]byte{} {
		hash = e.Hash()
	}
	nodes := archive.StoreNodes()
	nodes = nodes[:min(len(nodes), maxAsked)]
	found := make([]error, len(nodes))
	var asked sync.WaitGroup
	for i, node := range nodes {
		asked.Go(func() { found[i] = d.readBack(short, archive, node, hash) })
	}
	asked.Wait()
	check = roundTripCheck(nodes, found)
	if check.Result == port.CheckFailed && ctx.Err() != nil {
		check.Result, check.Remedy = port.CheckSkipped, laterDeadline
		check.Cause = "the deadline came before store nodes had to have what was published"
	}
	return check
}

// errNotThere is for a store node that answers, and does not have the probe.
var errNotThere = errors.New("does not have it")

// readBack asks a store node for a probe until it has it.
func (d *Doctor) readBack(ctx context.Context, archive port.Archive, node string, hash [32]byte) error {
	query := port.StoreQuery{Hashes: [][32]byte{hash}, WithEnvelopes: true, Limit: 1}
	last := error(nil)
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		page, err := archive.QueryStore(ctx, node, query)
		if err == nil && len(page.Entries) > 0 {
			return nil
		}
		// The end of the deadline says less than what the node said before it.
		if err == nil {
			last = errNotThere
		} else if last == nil || ctx.Err() == nil {
			last = err
		}
		passed, stop := d.Wait(pause)
		select {
		case <-passed:
		case <-ctx.Done():
			stop()
			return last
		}
	}
}

// roundTripCheck makes a check of the results at the store nodes: nil for one that has the
// probe.
func roundTripCheck(nodes []string, found []error) port.Check {
	details, have, forget, first := map[string]string{}, 0, 0, ""
	for i, node := range nodes {
		switch err := found[i]; {
		case err == nil:
			details[node] = "has it"
			have++
			continue
		case errors.Is(err, errNotThere):
			forget++
		}
		details[node] = found[i].Error()
		if first == "" {
			first = found[i].Error()
			if named := (*port.StoreError)(nil); !errors.As(found[i], &named) {
				first = node + ": " + first
			}
		}
	}
	check := port.Check{Name: "round_trip", Details: map[string]any{"store_nodes": details}}
	switch {
	case have == len(nodes):
		check.Result, check.Cause = port.CheckPassed, fmt.Sprintf("all of %d store nodes have what was published", have)
	case have > 0:
		check.Result = port.CheckWarning
		check.Cause = fmt.Sprintf("%d of %d store nodes have what was published; %s", have, len(nodes), first)
		check.Remedy = "name other store nodes in network.store_peers if that lasts"
	case forget > 0:
		check.Result = port.CheckFailed
		check.Cause = fmt.Sprintf("none of %d store nodes has what was published: %s", len(nodes), first)
		check.Remedy = "see the checks clock and shard: store nodes keep nothing with a timestamp that is off, and nothing of another shard; otherwise use other store nodes"
	default:
		check.Result = port.CheckFailed
		check.Cause = fmt.Sprintf("none of %d store nodes could be asked: %s", len(nodes), first)
		check.Remedy = "use other store nodes: network.store_peers"
	}
	return check
}
