package chat

import (
	"unicode/utf8"

	"libstatus1to1/chat/text"
)

// Names stand in lines with other words, in lists and on terminals. So both those we are
// given and those that others say of themselves (text.Shown) are on one line, in one
// Unicode form, and have nothing that is not seen.

// cleanName checks a name that the host gives and gives it as it is stored; "" is none.
// Errors: CodeBadParams, CodeTooLong, CodeEmpty for one that shows nothing.
func cleanName(field, name string, limit int) (string, error) {
	return cleanText(field, name, limit, text.Name)
}

// cleanLines is cleanName for a text of several lines.
func cleanLines(field, lines string, limit int) (string, error) {
	return cleanText(field, lines, limit, text.Lines)
}

// cleanText checks and cleans a text of the host with clean.
func cleanText(field, given string, limit int, clean func(string) string) (string, error) {
	if !utf8.ValidString(given) {
		return "", Errorf(CodeBadParams, field, "it is not valid UTF-8")
	}
	if utf8.RuneCountInString(given) > text.MaxRead {
		return "", tooLongName(field, limit)
	}
	cleaned := clean(given)
	if utf8.RuneCountInString(cleaned) > limit {
		return "", tooLongName(field, limit)
	}
	if cleaned == "" && given != "" {
		return "", Errorf(CodeEmpty, field, "it shows nothing")
	}
	return cleaned, nil
}

// tooLongName is the error of a name of more than limit code points.
func tooLongName(field string, limit int) error {
	return Errorf(CodeTooLong, field, "it is longer than %d code points", limit).With("max", limit)
}
