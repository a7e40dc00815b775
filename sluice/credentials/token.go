package credentials

import (
	"crypto/rand"
	"strings"
)

// newToken makes a token that nobody guesses: 26 letters and digits, 130 bits.
func newToken() string { return rand.Text() }

// Newest returns the token of a source that was added last.
func (f Folder) Newest(source string) (string, error) {
	tokens, err := f.tokens(source)
	if err != nil {
		return "", err
	}
	return tokens[len(tokens)-1], nil
}

// Add adds a token to those of a source and returns it. The others stay valid.
func (f Folder) Add(source string) (string, error) {
	tokens, err := f.tokens(source)
	if err != nil {
		return "", err
	}
	token := newToken()
	return token, f.write(source, append(tokens, token))
}

// Retire removes all tokens of a source but the newest, and returns how many that were.
func (f Folder) Retire(source string) (int, error) {
	tokens, err := f.tokens(source)
	if err != nil {
		return 0, err
	}
	last := len(tokens) - 1
	return last, f.write(source, tokens[last:])
}

// write replaces the tokens of a source by these, the newest last, in one step: no reader finds fewer.
func (f Folder) write(source string, tokens []string) error {
	return f.replace(f.Token(source), strings.Join(tokens, "\n")+"\n", secretMode)
}
