package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What keeps package chat a face with two pipelines, and not one room for everything: its
// size and that of Client.
const (
	// maxEngineFiles is how many files of package chat there may be, without tests: what
	// grows further is a part, with a package of its own under chat/internal. Each kind of
	// thing that is said in a chat, or kept about it, needs a file that joins its part to the
	// pipelines.
	maxEngineFiles = 64
	// maxClientFields is how many fields Client may have, those of structs without a name
	// counted one by one. What is more belongs to a part, or to a group with a name.
	maxClientFields = 20
	// maxFilesOfAText is how many files of the engine a text may pass each way, by the lists
	// in chat/doc.go. A newcomer has to read all of them.
	maxFilesOfAText = 12
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

// The lists are numbered from 1; that their files exist TestPackageCommentOfTheEngine looks up.
func TestTextPassesFewFiles(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(theEngine(t).Dir, "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, walks, _ := strings.Cut(string(raw), "// # One text")
	lists, last := 0, 0
	for _, found := range regexp.MustCompile(`(?m)^//\t *(\d+)  \S+\.go: `).FindAllStringSubmatch(walks, -1) {
		number, _ := strconv.Atoi(found[1])
		if number == 1 {
			lists, last = lists+1, 0
		}
		if number != last+1 || number > maxFilesOfAText {
			t.Errorf("file %d of list %d comes after %d; %d are the most", number, lists, last, maxFilesOfAText)
		}
		last = number
	}
	if lists != 2 {
		t.Errorf("chat/doc.go has %d numbered lists of files, not one each way", lists)
	}
}
