package waku

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"libstatus1to1/chat/port"
)

// addresses returns the addresses the node listens on, with its peer id. They are for
// our own use, so a wildcard becomes the addresses of all interfaces.
func (h *baseHost) addresses() []ma.Multiaddr {
	listening, err := h.Network().InterfaceListenAddresses()
	if err != nil {
		listening = h.Network().ListenAddresses()
	}
	if len(listening) == 0 {
		return nil
	}
	addresses, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: listening})
	if err != nil { // only without an id
		return nil
	}
	return addresses
}

// recovered runs f and makes an error of its panic.
func recovered(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("waku: panic in go-waku: %v\n%s", value, debug.Stack())
		}
	}()
	return f()
}

// checkListen tries every address that names a port: libp2p is content when one of
// several works, and leaks when none does.
func checkListen(addresses []ma.Multiaddr) error {
	for _, address := range addresses {
		network, hostPort, err := manet.DialArgs(address)
		if err != nil {
			return listenError(err)
		}
		listener, err := net.Listen(network, hostPort)
		if err != nil {
			return listenError(err).With("address", address.String())
		}
		if err := listener.Close(); err != nil {
			return listenError(err)
		}
	}
	return nil
}

// listenError is the typed error for err, which came from starting to listen.
func listenError(err error) *port.Error {
	var typed *port.Error
	switch {
	case errors.As(err, &typed):
		return typed
	case errors.Is(err, syscall.EADDRINUSE) || strings.Contains(err.Error(), syscall.EADDRINUSE.Error()):
		return port.Errorf(port.CodePortInUse, fieldListen, "the address is in use").Because(err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return port.Errorf(port.CodeBadConfig, fieldListen, "the address is not of this machine").Because(err)
	case errors.Is(err, syscall.EACCES):
		return port.Errorf(port.CodeBadConfig, fieldListen, "this user may not listen on this port").Because(err)
	default:
		return port.Errorf(port.CodeBadConfig, fieldListen, "the node could not be started on this address").Because(err)
	}
}
