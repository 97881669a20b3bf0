package archtest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What keeps package chat a face with two pipelines, and not one room for everything: its
// size and that of Client.
const (
	// maxEngineFiles is how many files of package chat there may be, without tests: what
	// grows further is a part, with a package of its own under chat/internal.
	maxEngineFiles = 45
	// maxClientFields is how many fields Client may have, those of structs without a name
	// counted one by one. What is more belongs to a part, or to a group with a name.
	maxClientFields = 20
)

// theEngine is package chat.
func theEngine(t *testing.T) pkg {
	t.Helper()
	all := packages(t)
	i := slices.IndexFunc(all, func(p pkg) bool { return p.name() == "chat" })
	if i < 0 {
		t.Fatal("there is no package chat")
	}
	return all[i]
}

func TestEngineIsSmall(t *testing.T) {
	engine := theEngine(t)
	files, err := filepath.Glob(filepath.Join(engine.Dir, "*.go")) // those of all systems
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	if len(files) > maxEngineFiles {
		t.Errorf("chat has %d files without tests, %d are the most", len(files), maxEngineFiles)
	}
	fields := 0
	for file, tree := range engine.trees(t) {
		fields += fieldsOf(tree, "Client")
		if usesName(tree, "loopState") {
			t.Errorf("chat/%s names loopState: the state of the loop belongs to the parts", file)
		}
	}
	if fields == 0 || fields > maxClientFields {
		t.Errorf("Client has %d fields, %d are the most", fields, maxClientFields)
	}
}
