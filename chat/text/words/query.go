package words

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors about what is searched for.
var (
	ErrEmpty    = errors.New("words: a query without a word")
	ErrTooLong  = errors.New("words: a query of too many characters")
	ErrEncoding = errors.New("words: a query that is not UTF-8")
)

// Bounds of a query.
const (
	// MaxQuery is the longest query, in code points: what a person types or pastes fits.
	MaxQuery = 1000
	// MaxQueryTerms is how many terms of a query are looked up. A longer one has found so few
	// texts by then that they may be read.
	MaxQueryTerms = 32
)

// Query is a search query. A text matches it if it has all its clauses.
type Query struct{ clauses []clause }

// clause is a word, or several units that follow each other.
type clause struct {
	units  []unit
	prefix bool // the last unit may go on in the text
}

// Term is a term of each text that matches a query. With Prefix it only begins so.
type Term struct {
	Text   string
	Prefix bool
}

// ParseQuery reads a query: words, which may stand anywhere in a text, and phrases in
// quotation marks, whose words must follow each other. A * at the end of a word stands for
// any ending, and so does the end of the query outside of quotation marks, since its last
// word may not be finished. What no space separates must follow each other too.
func ParseQuery(s string) (Query, error) {
	switch {
	case !utf8.ValidString(s):
		return Query{}, ErrEncoding
	case utf8.RuneCountInString(s) > MaxQuery:
		return Query{}, ErrTooLong
	}
	var q Query
	for quoted := false; ; quoted = !quoted {
		end := strings.IndexFunc(s, isQuote)
		last := end < 0
		if last {
			end = len(s)
		}
		if quoted {
			q.add(s[:end], false)
		} else {
			q.addWords(s[:end], last)
		}
		if last {
			break
		}
		_, n := utf8.DecodeRuneInString(s[end:])
		s = s[end+n:]
	}
	if len(q.clauses) == 0 {
		return Query{}, ErrEmpty
	}
	return q, nil
}

// isQuote reports whether a character begins or ends a phrase, in the habit of any country.
func isQuote(r rune) bool {
	return r == '"' || unicode.Is(unicode.Quotation_Mark, r) && unicode.In(r, unicode.Pi, unicode.Pf, doubleQuotes) && !singleQuotes[r]
}

// doubleQuotes are those that are neither of the classes Pi and Pf.
var doubleQuotes = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x201e, Hi: 0x201e, Stride: 1}, {Lo: 0x301d, Hi: 0x301f, Stride: 1}, {Lo: 0xff02, Hi: 0xff02, Stride: 1}}}

// singleQuotes stand in words, as apostrophes.
var singleQuotes = map[rune]bool{'‘': true, '’': true, '‚': true, '‛': true, '‹': true, '›': true}

// addWords adds the words of what is not in quotation marks. end tells that the query ends
// after it.
func (q *Query) addWords(s string, end bool) {
	for word := range strings.FieldsSeq(s) {
		bare := strings.TrimRight(word, "*")
		q.add(bare, bare != word)
	}
	if n := len(q.clauses); end && n > 0 && strings.TrimSpace(s) != "" {
		q.clauses[n-1].prefix = true
	}
}

// add adds what must follow each other.
func (q *Query) add(s string, prefix bool) {
	c := clause{prefix: prefix}
	units(s, func(u unit) bool {
		c.units = append(c.units, u)
		return true
	})
	if len(c.units) > 0 {
		q.clauses = append(q.clauses, c)
	}
}

// Terms are the terms to look up in an index, at most MaxQueryTerms: a text that matches has
// all of them.
func (q Query) Terms() []Term {
	all := q.allTerms()
	return all[:min(len(all), MaxQueryTerms)]
}

func (q Query) allTerms() (all []Term) {
	add := func(t Term) {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	for _, c := range q.clauses {
		for i, u := range c.units {
			switch last := i == len(c.units)-1; {
			case !u.char:
				add(Term{u.text, c.prefix && last})
			case !last && c.units[i+1].joined:
				add(Term{Text: u.text + c.units[i+1].text})
			case !u.joined:
				add(Term{u.text, true}) // whatever follows it
			}
		}
	}
	return all
}

// Exact reports whether a text that has the terms matches. Otherwise it must be read
// (Matches): the index does not know what follows what.
func (q Query) Exact() bool {
	return len(q.allTerms()) <= MaxQueryTerms && !slices.ContainsFunc(q.clauses, func(c clause) bool {
		pair := len(c.units) == 2 && c.units[1].joined
		return len(c.units) > 1 && !pair
	})
}

// Matches reports whether a text matches.
func (q Query) Matches(s string) bool { return q.MatchesText(Read(s)) }

// Text is a text that was read, for many queries.
type Text []unit

// Read reads a text.
func Read(s string) (all Text) {
	units(s, func(u unit) bool {
		all = append(all, u)
		return true
	})
	return all
}

// MatchesText reports whether a text that was read matches.
func (q Query) MatchesText(t Text) bool {
	return !slices.ContainsFunc(q.clauses, func(c clause) bool { return !c.in(t) })
}

// MatchesName reports whether a name that was read matches: each word of the query may be the
// beginning of one in the name.
func (q Query) MatchesName(t Text) bool {
	return !slices.ContainsFunc(q.clauses, func(c clause) bool { return !clause{c.units, true}.in(t) })
}

// in reports whether the units of a clause follow each other somewhere in a text.
func (c clause) in(text []unit) bool {
	for from := range len(text) - len(c.units) + 1 {
		if c.at(text[from:]) {
			return true
		}
	}
	return false
}

// at reports whether a text begins with the units of a clause.
func (c clause) at(text []unit) bool {
	for i, u := range c.units {
		switch has := text[i]; {
		case u.joined && i > 0 && !has.joined:
			return false
		case has.text == u.text:
		case c.prefix && i == len(c.units)-1 && !u.char && strings.HasPrefix(has.text, u.text):
		default:
			return false
		}
	}
	return true
}
