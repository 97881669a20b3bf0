package rpc

import (
	"encoding/json"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// The methods of the server itself. All others are those of chat/api.
const (
	methodOpen     = "open"
	methodClose    = "close"
	methodInfo     = "info"
	methodSchema   = "schema"
	methodDiscover = "rpc.discover"
	methodCancel   = "$/cancelRequest"
	methodAck      = "events.ack"
)

// serverMethods are those of them that are answered.
var serverMethods = []string{methodOpen, methodClose, methodInfo, methodSchema, methodDiscover}

// Version is the version of the protocol. It changes when a host that follows docs/rpc.md
// would no longer work, not with new methods and fields.
const Version = 1

// Info is the result of info.
type Info struct {
	// RPCVersion is Version.
	RPCVersion int `json:"rpc_version"`
	api.Info
}

// call runs a method. The function it may return is to be called after the answer was sent.
func (s *Server) call(j *job) (result any, after func(), err error) {
	switch j.method {
	case methodOpen:
		return s.open(j)
	case methodClose:
		result, err = s.close(j)
	case methodInfo:
		result, err = Info{RPCVersion: Version, Info: api.InfoOf(0)}, noParams(j)
	case methodSchema:
		result, err = api.Schema(), noParams(j)
	case methodDiscover:
		result, err = discovered(), noParams(j)
	default:
		result, err = s.callClient(j)
	}
	return result, nil, err
}

// noParams refuses parameters.
func noParams(j *job) error {
	members, _ := membersOf([]byte(j.params))
	if j.client != 0 {
		return chat.Errorf(chat.CodeUnknownField, "client", "this method is about no client")
	}
	if len(members) > 0 {
		return unknownField(members[0].name)
	}
	return nil
}

// maxNamed bounds how much of a field's name an error repeats, bytes.
const maxNamed = 64

func unknownField(name string) error {
	if len(name) > maxNamed {
		name = "..."
	}
	return chat.Errorf(chat.CodeUnknownField, name, "there is no such field")
}

// open opens a client. Its events begin after the answer.
func (s *Server) open(j *job) (any, func(), error) {
	members, _ := membersOf([]byte(j.params))
	if j.client != 0 {
		return nil, nil, chat.Errorf(chat.CodeUnknownField, "client", "the answer has the number of the new client")
	}
	s.opening.Add(1)
	defer s.opening.Done()
	var config json.RawMessage
	for _, m := range members {
		switch {
		case m.name != "config":
			return nil, nil, unknownField(m.name)
		case config != nil:
			return nil, nil, chat.Errorf(chat.CodeUnknownField, m.name, "the field stands twice")
		}
		config = m.value
	}
	if config == nil {
		return nil, nil, badParams("config", "the field is required")
	}
	result, err := s.registry.OpenClient(string(config))
	if err != nil {
		return nil, nil, err
	}
	c := &clientState{handle: result.Client, window: newWindow(), fed: make(chan struct{})}
	if !s.add(c) {
		_ = s.registry.CloseClient(c.handle)
		return nil, nil, chat.Errorf(chat.CodeClosed, "", "the server ends")
	}
	return result, func() { go s.feed(c) }, nil
}

// add keeps a client that was opened, unless the server ends.
func (s *Server) add(c *clientState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	c.lane = newLane(&s.running, s.run)
	s.clients[c.handle] = c
	return true
}

// find is an open client, or nil.
func (s *Server) find(handle uint64) *clientState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[handle]
}

// close closes a client; its last event comes before the answer.
func (s *Server) close(j *job) (any, error) {
	if members, _ := membersOf([]byte(j.params)); len(members) > 0 {
		return nil, unknownField(members[0].name)
	}
	c := s.find(j.client)
	if c == nil {
		return nil, s.registry.CloseClient(j.client) // closed before, or no client at all
	}
	err := s.closeEngine(c)
	<-c.fed
	s.forget(c)
	return nil, err
}

// closeEngine closes a client and has the rest of its events read.
func (s *Server) closeEngine(c *clientState) error {
	err := s.registry.CloseClient(c.handle)
	c.window.lift()
	return err
}

// forget takes a closed client out; its lane ends after what is in it.
func (s *Server) forget(c *clientState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients[c.handle] == c {
		delete(s.clients, c.handle)
		close(c.lane.jobs)
	}
}

// callClient runs a method of the table.
func (s *Server) callClient(j *job) (any, error) {
	c := s.find(j.client)
	if c == nil {
		return nil, s.withoutClient(j)
	}
	result, err := s.registry.CallClient(j.ctx, c.handle, j.method, j.params)
	switch {
	case chat.CodeOf(err) == chat.CodeClosed:
		c.window.lift() // the engine has closed itself: the host learns it by an event
	case err == nil && j.method == methodAck:
		var p struct {
			UpTo uint64 `json:"up_to"`
		}
		if json.Unmarshal([]byte(j.params), &p) == nil {
			c.window.acknowledge(p.UpTo)
		}
	}
	return result, err
}

// withoutClient is the error of a call that names no open client.
func (s *Server) withoutClient(j *job) error {
	if err := s.registry.CheckMethod(j.method); err != nil {
		return err
	}
	if j.client == 0 {
		return badParams("client", "the field is required: the number that open returned")
	}
	return chat.Errorf(chat.CodeBadClient, "client", "this client is not open")
}

// cancel cancels the request whose id the parameters name, if it is not answered yet. It
// needs no lane.
func (s *Server) cancel(j *job) {
	j.cancel()
	members, _ := membersOf([]byte(j.params))
	for _, m := range members {
		if m.name == "id" {
			s.mu.Lock()
			if running := s.calls[string(m.value)]; running != nil {
				running.cancel()
			}
			s.mu.Unlock()
		}
	}
	if j.answer != nil {
		j.answer(respond(j.id, nil, nil), nil)
	}
}

func cancelled() *failure { return failed(codeCancelled, api.Cancelled()) }
