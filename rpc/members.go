package rpc

import "encoding/json"

// member is one member of a JSON object.
type member struct {
	name  string
	value []byte // as it was written
	text  []byte // name and value as they were written
}

// membersOf lists the members of an object, in their order, and with those that stand there
// twice; text is valid JSON. ok is false if it is not an object. The values are not
// decoded: those of a request may have many megabytes. The list ends when it has one member
// too many, maxMembers+1: that of an object of 22 MB would take half a gigabyte.
func membersOf(text []byte) (members []member, ok bool) {
	at := skipSpace(text, 0)
	if at == len(text) || text[at] != '{' {
		return nil, false
	}
	for at = skipSpace(text, at+1); text[at] != '}' && len(members) <= maxMembers; {
		begin, end := at, skipValue(text, at)
		m := member{}
		if json.Unmarshal(text[begin:end], &m.name) != nil {
			return nil, false
		}
		at = skipSpace(text, skipSpace(text, end)+1) // the colon
		end = skipValue(text, at)
		m.value, m.text = text[at:end], text[begin:end]
		members = append(members, m)
		if at = skipSpace(text, end); text[at] == ',' {
			at = skipSpace(text, at+1)
		}
	}
	return members, true
}

// itemsOf lists the items of an array, but not more than most+1 of them; text is valid JSON.
func itemsOf(text []byte, most int) (items [][]byte) {
	for at := skipSpace(text, 1); text[at] != ']' && len(items) <= most; {
		end := skipValue(text, at)
		items = append(items, text[at:end])
		if at = skipSpace(text, end); text[at] == ',' {
			at = skipSpace(text, at+1)
		}
	}
	return items
}

// skipSpace is the position of the next byte that is not white space.
func skipSpace(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	return at
}

// skipValue is the position behind the value at position at.
func skipValue(text []byte, at int) int {
	for depth := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			at = closingQuote(text, at)
			if depth == 0 {
				return at + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at // a number or word before it has ended
			}
			if depth--; depth == 0 {
				return at + 1
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return at
			}
		}
	}
	return at
}

// closingQuote is the position of the quotation mark that ends the string at position at.
func closingQuote(text []byte, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at
}
