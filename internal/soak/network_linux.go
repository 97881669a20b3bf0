package soak

import (
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"libstatus1to1/chat/waku"
	"libstatus1to1/internal/faultproxy"
)

// The network of a run: two clients, each with a link to each of two nodes, and a link
// between the nodes. Clients are connected to nobody else, and every link is a proxy.
const (
	clients = 2
	nodes   = 2
	links   = clients*nodes + 1
)

// keeps is the node that keeps what it has stored when it is killed. The other forgets it.
const keeps = 1

// linkOf is the number of the link between a client and a node; between is that of the
// link of the nodes.
func linkOf(client, node int) int { return client*nodes + node }

const between = clients * nodes

// link is a proxy with what is wrong with it.
type link struct {
	proxy *faultproxy.Proxy
	way   faultproxy.Faults
	until time.Duration // of the run, when way ends
}

// carries reports whether what is written on a link arrives, be it slowly.
func (l *link) carries() bool {
	bad := func(d faultproxy.Link) bool { return d.Stall || d.Discard }
	return !l.way.Refuse && !bad(l.way.Toward) && !bad(l.way.Back)
}

func (l *link) set(way faultproxy.Faults, until time.Duration) {
	l.way, l.until = way, until
	l.proxy.Set(way)
}

// station is a node: its key, and so its peer id, stays over its lives.
type station struct {
	number  int
	order   nodeOrder
	peerID  string
	process *process
	ready   bool
	mends   time.Duration // of the run, when its services work again; 0 if they do
	starts  time.Duration // of the run, when it is to start again, if it is dead
	resumes time.Duration // if it is stopped
	lives   int
}

func (s *station) child() *process {
	if s == nil {
		return nil
	}
	return s.process
}

// up reports whether the node does its work.
func (s *station) up() bool { return s.process != nil && s.ready && !s.process.stopped }

// multiaddress is that of a node behind a port.
func (s *station) multiaddress(port int) string {
	return fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", port, s.peerID)
}

func (s *station) start(errors io.Writer, said chan<- spoken) error {
	p, err := start(roleNode, errors, said)
	if err != nil {
		return err
	}
	s.process, s.ready = p, false
	s.lives++
	p.tell(s.order)
	return nil
}

// serve says what the node's services do wrong until a time of the run.
func (s *station) serve(wrong string, until time.Duration) {
	s.order.Service, s.mends = wrong, until
	if s.process != nil {
		s.process.tell(nodeOrder{Service: wrong})
	}
}

// misleads reports whether a client in light mode is not heard, or hears nothing, by the
// node's fault.
func (s *station) misleads() bool {
	return strings.HasPrefix(s.order.Service, "filter") || strings.HasPrefix(s.order.Service, "lightpush")
}

// nowhere is where a proxy forwards to while its node is dead: nobody can be there.
const nowhere = "127.0.0.1:0"

// leadsTo returns the node at the far end of a link. The first node dials the second.
func leadsTo(link int) int {
	if link == between {
		return 1
	}
	return link % nodes
}

// newNetwork makes the nodes, not yet started, and the links between all.
func newNetwork(seed uint64, directory string) (all [nodes]*station, ways [links]*link, err error) {
	for i := range all {
		key := nodeKey(seed, i)
		id, err := waku.PeerID(key)
		if err != nil {
			return all, ways, err
		}
		all[i] = &station{number: i, peerID: id, order: nodeOrder{Key: hex.EncodeToString(key.Bytes())}}
		if i == keeps {
			all[i].order.Archive = filepath.Join(directory, fmt.Sprintf("node%d.archive", i+1))
		}
	}
	for i := range ways {
		proxy, err := faultproxy.Listen(nowhere)
		if err != nil {
			return all, ways, err
		}
		ways[i] = &link{proxy: proxy}
	}
	all[0].order.Peers = []string{all[1].multiaddress(ways[between].proxy.Port())}
	return all, ways, nil
}
