package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// examplesOf are the recorded examples, in chat/api/examples: of methods and of events'
// data, by name. Tests of chat/api check them.
type examplesOf struct {
	methods map[string]example
	events  map[string]json.RawMessage
}

// example is a call of a method and its answer, as they were written.
type example struct{ Params, Result json.RawMessage }

// readExamples reads them, and refuses to go on if one is missing.
func (m *model) readExamples(root string) error {
	for name, into := range map[string]any{"methods.json": &m.examples.methods, "events.json": &m.examples.events} {
		raw, err := os.ReadFile(filepath.Join(root, "chat", "api", "examples", name))
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, method := range m.methods {
		if m.examples.methods[method.Name].Result == nil {
			return fmt.Errorf("%s has no example", method.Name)
		}
	}
	for _, e := range m.events {
		if m.examples.events[e.Type()] == nil {
			return fmt.Errorf("the event %s has no example", e.Type())
		}
	}
	return nil
}

// pairing is the example of a method as OpenRPC has it: parameters in the order of the
// method, without those that were left out.
func (m *model) pairing(name string, params []rpcParam) (rpcExample, error) {
	given := map[string]json.RawMessage{}
	e := m.examples.methods[name]
	if err := json.Unmarshal(e.Params, &given); err != nil {
		return rpcExample{}, err
	}
	out := rpcExample{Name: name, Params: []rpcValue{}, Result: rpcValue{"result", e.Result}}
	for _, p := range params {
		if value, ok := given[p.Name]; ok {
			out.Params = append(out.Params, rpcValue{p.Name, value})
		}
	}
	return out, nil
}
