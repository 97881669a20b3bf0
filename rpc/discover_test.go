package rpc

import (
	"encoding/json"
	"regexp"
	"testing"

	"libstatus1to1/chat/api"
)

// The document of the server has all methods of the table, each with the client in front, and
// its own; what they refer to is there.
func TestDiscover(t *testing.T) {
	text, err := encode(discovered())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Methods []struct {
			Name   string
			Params []struct {
				Name     string
				Required bool
			}
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	first := map[string]string{}
	for _, m := range doc.Methods {
		first[m.Name] = ""
		if len(m.Params) > 0 && m.Params[0].Required {
			first[m.Name] = m.Params[0].Name
		}
	}
	for _, m := range api.Methods() {
		if first[m.Name] != "client" {
			t.Errorf("%s begins with %q", m.Name, first[m.Name])
		}
	}
	if own := len(first) - len(api.Methods()); own != len(ownMethods) || first[methodOpen] != "config" || first[methodClose] != "client" {
		t.Errorf("%d methods of the server, open %q, close %q", own, first[methodOpen], first[methodClose])
	}
	for _, ref := range regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllStringSubmatch(string(text), -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("there is no %s", ref[1])
		}
	}
}

// What leaves its lane is there, and no method has a parameter called client.
func TestTableFitsTheServer(t *testing.T) {
	names := map[string]bool{methodOpen: true}
	for _, m := range api.Methods() {
		names[m.Name] = true
		for _, f := range api.Fields(m.Params) {
			if f.Name == "client" {
				t.Errorf("%s has a parameter client", m.Name)
			}
		}
	}
	for _, name := range besides {
		if !names[name] {
			t.Errorf("there is no method %s", name)
		}
	}
}
