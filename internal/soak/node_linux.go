package soak

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"

	ma "github.com/multiformats/go-multiaddr"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/servicenode"
	"libstatus1to1/internal/soak/client"
)

// nodeOrder is a line to a node. The first one starts it; of the others only Service counts.
type nodeOrder struct {
	Key     string   `json:"key,omitempty"` // hex
	Peers   []string `json:"peers,omitempty"`
	Archive string   `json:"archive,omitempty"` // file of what it stores; "" forgets it at its end
	// Service names what the services of the node do wrong from now on; "" for nothing.
	Service string `json:"service"`
}

// nodeReady is the first line that a node prints: the port that it listens on, another one
// after each start.
type nodeReady struct {
	Port int `json:"port"`
}

// runNode is a service node, in its own process, until its input ends.
func runNode(in io.Reader, out io.Writer) error {
	orders := json.NewDecoder(bufio.NewReader(in))
	var o nodeOrder
	if err := orders.Decode(&o); err != nil {
		return err
	}
	n, err := o.start()
	if err != nil {
		return err
	}
	address, err := ma.NewMultiaddr(n.Address())
	if err != nil {
		return err
	}
	port, err := address.ValueForProtocol(ma.P_TCP)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(client.Line{ID: 1, Answer: json.RawMessage(`{"port":` + port + `}`)}); err != nil {
		return err
	}
	for {
		var o nodeOrder
		if err := orders.Decode(&o); err == io.EOF {
			return n.Close()
		} else if err != nil {
			return err
		}
		n.SetFaults(serviceFaults[o.Service])
	}
}

func (o nodeOrder) start() (*servicenode.Node, error) {
	raw, err := hex.DecodeString(o.Key)
	if err != nil {
		return nil, err
	}
	options := servicenode.Options{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: o.Peers, Faults: serviceFaults[o.Service]}
	if options.Key, err = key.ParsePrivate(raw); err != nil {
		return nil, err
	}
	if o.Archive != "" {
		if options.Archive, err = servicenode.OpenArchive(o.Archive); err != nil {
			return nil, err
		}
	}
	return servicenode.Start(options)
}

// lies is the prefix of the names of wrong answers of a store (servicenode.Lie).
const lies = "store lies: "

// serviceFaults lists the faults of a node's services, by name.
var serviceFaults = namedFaults()

func namedFaults() map[string]servicenode.Faults {
	half := func(h servicenode.Hash) bool { return h[0]&1 == 0 }
	fifth := func(h servicenode.Hash) bool { return h[0]%5 == 0 }
	all := map[string]servicenode.Faults{
		"":                  {},
		"store hangs":       {StoreHangs: true},
		"store cuts":        {StoreCuts: true},
		"store empty":       {StoreEmpty: true},
		"store refuses":     {StoreStatus: 503},
		"store forgets":     {StoreForgot: half},
		"store deaf":        {StoreDeaf: true},
		"filter silent":     {FilterSilent: true},
		"filter forgets":    {FilterForgot: true},
		"filter refuses":    {FilterStatus: 503},
		"filter hangs":      {FilterHangs: true},
		"filter loses":      {FilterLoses: fifth},
		"lightpush refuses": {LightpushStatus: 503},
		"lightpush hangs":   {LightpushHangs: true},
		"lightpush loses":   {LightpushLoses: true},
		"lightpush mute":    {LightpushMute: true},
	}
	for _, l := range servicenode.Lies() {
		all[lies+l.String()] = servicenode.Faults{StoreLie: l}
	}
	return all
}

// nodeKey is the key of a node, the same for the same seed.
func nodeKey(seed uint64, number int) key.Private {
	random := rand.New(rand.NewPCG(seed, uint64(number)+1))
	for {
		b := make([]byte, key.PrivateSize)
		for i := range b {
			b[i] = byte(random.UintN(256))
		}
		if k, err := key.ParsePrivate(b); err == nil {
			return k
		}
	}
}
