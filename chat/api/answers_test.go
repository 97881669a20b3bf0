package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"libstatus1to1/chat"
)

// Every response that the tests of this package get, to a call or as an event, is checked
// against the schema; and it has no field that the schema does not name.
func TestMain(m *testing.M) {
	answers := newAnswers()
	watch = answers.check
	code := m.Run()
	if all := flag.Lookup("test.run").Value.String() == ""; all && code == 0 && len(answers.seen) < leastSeen {
		fmt.Fprintf(os.Stderr, "only %d methods and events were looked at\n", len(answers.seen))
		code = 1
	}
	if bad := answers.summary(); bad != "" {
		fmt.Fprintln(os.Stderr, bad)
		code = max(code, 1)
	}
	os.Exit(code)
}

// leastSeen bounds from below the number of methods and events that a run of all tests looks at:
// it is far more than half of them.
const leastSeen = 80

// schemaURL is where the schema is as the validator sees it.
const schemaURL = "file:///schema.json"

// answers checks responses and remembers what was wrong.
type answers struct {
	compiler *jsonschema.Compiler
	results  map[string]string // the schema of the result, by method
	events   map[string]string // that of the data, by type of event

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
	seen     map[string]int // methods and events
	wrong    map[string]bool
}

func newAnswers() *answers {
	var doc map[string]any
	if err := json.Unmarshal([]byte(schema), &doc); err != nil {
		panic(err)
	}
	for _, s := range doc["components"].(map[string]any)["schemas"].(map[string]any) {
		if s := s.(map[string]any); s["properties"] != nil {
			s["additionalProperties"] = false
		}
	}
	a := &answers{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}, seen: map[string]int{}, wrong: map[string]bool{}}
	doc["x-params"] = paramSchemas(doc["methods"])
	a.compiler.DefaultDraft(jsonschema.Draft7)
	if err := a.compiler.AddResource(schemaURL, doc); err != nil {
		panic(err)
	}
	a.results, a.events = pointers(doc["methods"], "result"), pointers(doc["x-events"], "")
	a.results["open"] = "#/components/schemas/OpenResult"
	return a
}

// pointers are where the schemas in a list of named things are.
func pointers(list any, below string) map[string]string {
	all := map[string]string{}
	for _, item := range list.([]any) {
		item := item.(map[string]any)
		at := item
		if below != "" {
			at = item[below].(map[string]any)
		}
		all[item["name"].(string)] = at["schema"].(map[string]any)["$ref"].(string)
	}
	return all
}

// paramSchemas are the parameters of each method as one object.
func paramSchemas(methods any) map[string]any {
	all := map[string]any{}
	for _, method := range methods.([]any) {
		method := method.(map[string]any)
		properties, required := map[string]any{}, []any{}
		for _, p := range method["params"].([]any) {
			p := p.(map[string]any)
			properties[p["name"].(string)] = p["schema"]
			if p["required"].(bool) {
				required = append(required, p["name"])
			}
		}
		all[method["name"].(string)] = map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	}
	return all
}

// check looks at one response.
func (a *answers) check(method, response string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(response))
	if err != nil {
		a.wrong[fmt.Sprintf("%s: %v", method, err)] = true
		return
	}
	answer := value.(map[string]any)
	switch result, good := answer["result"]; {
	case !good:
		a.fits(method, "#/components/schemas/ErrorBody", answer["error"])
	case method == "next_event" && result != nil:
		e := result.(map[string]any)
		a.fits(fmt.Sprint(e["type"]), a.events[fmt.Sprint(e["type"])], e["data"])
	case a.results[method] != "":
		a.fits(method, a.results[method], result)
	case result != nil && !strings.HasPrefix(method, "test."):
		a.wrong[fmt.Sprintf("%s is not in the schema", method)] = true
	}
}

func (a *answers) fits(name, at string, value any) {
	a.seen[name]++
	s := a.compiled[at]
	if s == nil {
		var err error
		if s, err = a.compiler.Compile(schemaURL + at); err != nil {
			a.wrong[fmt.Sprintf("%s: %v", name, err)] = true
			return
		}
		a.compiled[at] = s
	}
	if err := s.Validate(value); err != nil {
		a.wrong[fmt.Sprintf("%s: %v", name, err)] = true
	}
}

// summary names what was wrong, "" if nothing was.
func (a *answers) summary() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]string, 0, len(a.wrong))
	for w := range a.wrong {
		all = append(all, w)
	}
	return strings.Join(all, "\n")
}

// The check itself finds a wrong value, a field too many and one too few.
func TestAnswersAreChecked(t *testing.T) {
	for name, response := range map[string]string{
		"right":      `{"ok":true,"result":{"kind":"memory","size_bytes":0,"schema_version":1}}`,
		"a set":      `{"ok":true,"result":{"kind":"paper","size_bytes":0,"schema_version":1}}`,
		"a type":     `{"ok":true,"result":{"kind":"memory","size_bytes":"0","schema_version":1}}`,
		"too many":   `{"ok":true,"result":{"kind":"memory","size_bytes":0,"schema_version":1,"more":1}}`,
		"too few":    `{"ok":true,"result":{"kind":"memory","size_bytes":0}}`,
		"an error":   `{"ok":false,"error":{"code":"store_io"}}`,
		"a new code": strings.Replace(Failure(chat.Errorf(chat.CodeStoreIO, "", "no")), `"store_io"`, `"store_oi"`, 1),
	} {
		a := newAnswers()
		a.check("store.info", response)
		if right := a.summary() == ""; right != (name == "right") {
			t.Errorf("%s: %s", name, a.summary())
		}
	}
	a := newAnswers()
	a.check("next_event", `{"ok":true,"result":{"seq":1,"type":"closed","at":1,"data":{"reason":"boredom"}}}`)
	a.check("no.such", `{"ok":true,"result":{}}`)
	if len(a.wrong) != 2 {
		t.Errorf("wrong events: %s", a.summary())
	}
}

// The examples in the document fit the schemas beside them, and so does what info returns.
func TestExamplesFitTheSchema(t *testing.T) {
	a := newAnswers()
	var doc struct {
		Methods []struct {
			Name     string
			Examples []struct {
				Params []struct {
					Name  string
					Value any
				}
				Result struct{ Value any }
			}
		}
		Events []struct {
			Name     string
			Examples []any
		} `json:"x-events"`
	}
	if err := json.Unmarshal([]byte(schema), &doc); err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, m := range doc.Methods {
		for _, e := range m.Examples {
			params := map[string]any{}
			for _, p := range e.Params {
				params[p.Name] = p.Value
			}
			a.fits("the parameters of "+m.Name, "#/x-params/"+m.Name, params)
			a.fits(m.Name, a.results[m.Name], e.Result.Value)
			examples++
		}
	}
	for _, e := range doc.Events {
		for _, data := range e.Examples {
			a.fits(e.Name, a.events[e.Name], data)
			examples++
		}
	}
	var info struct{ Result any }
	if err := json.Unmarshal([]byte(InfoResponse(0)), &info); err != nil {
		t.Fatal(err)
	}
	a.fits("info", "#/components/schemas/Info", info.Result)
	if bad := a.summary(); bad != "" || examples < len(Methods())+40 {
		t.Errorf("%d examples: %s", examples, bad)
	}
}
