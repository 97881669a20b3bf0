package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// documented is the client of the session in docs/rpc.md.
const documented = "4151463072385906"

// The session in docs/rpc.md happens as it stands there, but for the order of events and
// answers.
func TestDocumentedSession(t *testing.T) {
	text, err := os.ReadFile("../../docs/rpc.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```\n>")
	session, _, _ := strings.Cut(">"+rest, "\n```")
	s := command(t)
	s.run()
	defer time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() }).Stop()
	client, held := documented, []string(nil)
	for _, line := range strings.Split(session, "\n") {
		side, message := line[:1], strings.ReplaceAll(line[2:], documented, client)
		if side == ">" {
			s.write(message)
			continue
		}
		pattern := patternOf(message)
		for !takeMatch(&held, pattern) {
			got, err := s.out.ReadString('\n')
			if err != nil {
				t.Fatalf("waiting for %s: %v; there is %q", message, err, held)
			}
			held = append(held, got)
			if m := regexp.MustCompile(`"result":\{"client":(\d+)`).FindStringSubmatch(got); m != nil {
				client = m[1]
				pattern = patternOf(strings.ReplaceAll(message, documented, client))
			}
		}
	}
	if client == documented {
		t.Error("no client was opened")
	}
}

// patternOf is a line of the session with "..." for anything, and other times.
func patternOf(line string) *regexp.Regexp {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, `.*`)
	return regexp.MustCompile("^" + regexp.MustCompile(`"at":\d+`).ReplaceAllString(pattern, `"at":\d+`) + "\n$")
}

// takeMatch takes out of held the first line that pattern matches.
func takeMatch(held *[]string, pattern *regexp.Regexp) bool {
	for i, line := range *held {
		if pattern.MatchString(line) {
			*held = append((*held)[:i:i], (*held)[i+1:]...)
			return true
		}
	}
	return false
}
