package api

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// info names the specifications that docs/specs.md maps to code, and no others.
func TestInfoNamesTheSpecs(t *testing.T) {
	raw, err := os.ReadFile("../../docs/specs.md")
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(raw), "## Where the network differs")
	mapped := map[string]bool{}
	for _, row := range strings.Split(table, "\n") {
		if cell := strings.Split(row, "|"); len(cell) > 2 {
			for _, name := range regexp.MustCompile(`\d+/[A-Z0-9-]+`).FindAllString(cell[1], -1) {
				mapped[name] = true
			}
		}
	}
	var answer struct{ Result Info }
	if err := json.Unmarshal([]byte(InfoResponse(0)), &answer); err != nil {
		t.Fatal(err)
	}
	if len(mapped) < 10 {
		t.Fatalf("only %d specifications found in docs/specs.md", len(mapped))
	}
	for name := range mapped {
		if !slices.Contains(answer.Result.Specs, name) {
			t.Errorf("info does not name %s", name)
		}
	}
	for _, name := range answer.Result.Specs {
		if !mapped[name] {
			t.Errorf("docs/specs.md has no row of %s", name)
		}
	}
}
