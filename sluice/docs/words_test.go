package docs_test

import (
	"path"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// oldWord is a word of Sluice's own, where the field has another one. A reader who knows NATS, Kafka or river has to
// learn it for nothing, so it does not come back.
type oldWord struct {
	pattern *regexp.Regexp
	field   string   // what to say instead
	under   string   // the only folder in which it is an old word; elsewhere the field says it too
	parts   []string // texts of which each match has one at least; nil where that is not known
}

// word matches words in lower case, with spaces between them.
func word(pattern string) *regexp.Regexp { return regexp.MustCompile(`\b(?:` + pattern + `)\b`) }

// oldWords has what can be told from English. Others, such as room for capacity or letter for dead letter, also have
// uses that are right.
func oldWords() []oldWord {
	return []oldWord{
		{pattern: word(`(re)?visit(s|ed|ing)?`), field: "exchange or request", under: "gateway/"},
		{pattern: word(`inlets?`), field: "source state; destination, where something is sent to it"},
		{pattern: word(`judge[sd]?|judging|judgements?`), field: "validate, validator"},
		{pattern: word(`rulings?`), field: "refusal"},
		{pattern: word(`hurry|hurries|hurried`), field: "shorten the deadline"},
		{pattern: word(`whence`), field: "the client's address as text"},
		{pattern: word(`(un)?seal(s|ed|ing|er)?`), field: "digest: a salted hash can't be opened again"},
		{pattern: word(`verify kept`), field: "verify stored"},
		{pattern: word(`patience`), field: "timeout"},
		{pattern: word(`manners?`), field: "signer"},
		{pattern: word(`crews?`), field: "workers"},
		{pattern: word(`hire[sd]?|hiring`), field: "start"},
		{pattern: word(`wholeway`), field: "end to end"},
		{pattern: word(`work ?claims`), field: "worker expectations"},
		{pattern: word(`duty|duties`), field: "obligations, low-water mark"},
		{pattern: word(`roomy|eased`), field: "ok, recovering"},
		{pattern: word(`retry ?room`), field: "retry quota"},
		{pattern: word(`header ?room`), field: "header reserve"},
		{pattern: word(`room ?alerts?`), field: "capacity alert"},
		{pattern: word(`(has|make|making|more|for lack of) room|rooms?`), field: "capacity", under: "shared/stream/"},
		{pattern: word(`(stored|check|full) letters?`), field: "dead letter, in full in names"},
		{pattern: word(`takeovers?`), field: "claim of a shard", under: "shared/stream/"},
		{pattern: word(`hand(s|ed|ing)? again`), field: "redeliver"},
		{pattern: word(`second ?chances?`), field: "dead letters, redrive"},
		{pattern: word(`insist(s|ed)?`), field: "retry until there is a leader", under: "shared/stream/"},
		{pattern: word(`epochs?`), field: "disconnects"},
		{pattern: word(`fates?`), field: "decision"},
		{pattern: word(`knobs?`), field: "key"},
		{pattern: word(`tells? whether`), field: "reports whether"},
	}
}

// oldIdentifiers are names that are words of their own only in the case of a name.
func oldIdentifiers() []oldWord {
	return []oldWord{
		{pattern: regexp.MustCompile(`\bUnderstood\b|\bunderstood\(`), field: "Interpretation"},
		{pattern: regexp.MustCompile(`\bsendThrough\b`), field: "redrive"},
		{pattern: regexp.MustCompile(`\b(config|origin|notification)\.Reading\b|\bHeaderReading\b`), field: "Mapping"},
		{pattern: regexp.MustCompile(`\bNewestOf\b|\bfirstOpen\b`), field: "LatestSentAt, firstUnprocessed"},
		{pattern: regexp.MustCompile(`\bmost[A-Z]\w*`), field: "max…"},
		{pattern: regexp.MustCompile(`\bleast[A-Z]\w*`), field: "min…"},
	}
}

const thisFile = "sluice/docs/words_test.go"

func TestOldWordsDoNotComeBack(t *testing.T) {
	t.Parallel()
	words, identifiers := withParts(t, oldWords()), withParts(t, oldIdentifiers())
	for _, name := range projectFiles(t) {
		if name == thisFile || !slices.Contains([]string{".go", ".md", ".yml", ".conf"}, path.Ext(name)) {
			continue
		}
		for _, found := range oldIn(name, apart(name), words) {
			t.Errorf("the name of %s has %s", name, found)
		}
		text := read(t, name)
		for _, found := range append(oldIn(name, apart(text), words), oldIn(name, text, identifiers)...) {
			t.Errorf("%s:%s", name, found)
		}
	}
	// The test itself is held to what it has to find.
	bad := "a word\nHe revisits a newVisit, hand_again.\nleastOf inlets, and a first revisit\n"
	found := append(oldIn("gateway/bad.go", apart(bad), words), oldIn("gateway/bad.go", bad, identifiers)...)
	if want := []string{`2 has "revisits"`, `3 has "revisit"`, `3 has "inlets"`, `2 has "hand again"`, `3 has "leastOf"`}; !slices.EqualFunc(found, want, strings.HasPrefix) {
		t.Errorf("of old words found %q, want %q", found, want)
	}
	if found := oldIn("worker/good.go", apart(bad), words[:1]); len(found) > 0 {
		t.Errorf("a word of another folder: %q", found)
	}
}

// oldIn returns each old word in a text of a file: the line's number, the word, and what to say instead.
func oldIn(file, text string, words []oldWord) (found []string) {
	for _, old := range words {
		if !strings.HasPrefix(file, old.under) || !old.mayBeIn(text) {
			continue
		}
		number := 0
		for line := range strings.SplitSeq(text, "\n") {
			number++
			if !old.mayBeIn(line) {
				continue
			}
			if match := old.pattern.FindString(line); match != "" {
				found = append(found, strconv.Itoa(number)+" has "+strconv.Quote(match)+"; say: "+old.field)
			}
		}
	}
	return found
}

// mayBeIn reports whether a text has one of the parts of which each match of the pattern has one. It saves nearly all of
// the looking: finding a part is a hundred times cheaper than matching a pattern.
func (o oldWord) mayBeIn(text string) bool {
	return o.parts == nil || slices.ContainsFunc(o.parts, func(part string) bool { return strings.Contains(text, part) })
}

// withParts returns the words with their parts.
func withParts(t *testing.T, words []oldWord) []oldWord {
	t.Helper()
	for i := range words {
		tree, err := syntax.Parse(words[i].pattern.String(), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		words[i].parts = partsOf(tree)
	}
	return words
}

// partsOf returns texts of which each match of a pattern has one at least; nil where there are none.
func partsOf(tree *syntax.Regexp) []string {
	switch tree.Op { //nolint:exhaustive // The others have no parts that must be there.
	case syntax.OpLiteral:
		if tree.Flags&syntax.FoldCase == 0 {
			return []string{string(tree.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return partsOf(tree.Sub[0])
	case syntax.OpConcat: // All must be there: take the one that tells most.
		var best []string
		for _, sub := range tree.Sub {
			if parts := partsOf(sub); parts != nil && (best == nil || shortest(parts) > shortest(best)) {
				best = parts
			}
		}
		return best
	case syntax.OpAlternate: // One must be there: all must have a part.
		var all []string
		for _, sub := range tree.Sub {
			parts := partsOf(sub)
			if parts == nil {
				return nil
			}
			all = append(all, parts...)
		}
		return all
	}
	return nil
}

func shortest(parts []string) int {
	length := len(parts[0])
	for _, part := range parts {
		length = min(length, len(part))
	}
	return length
}

// apart writes the words of names apart, in lower case: newVisit and new_visit are "new visit". Lines stay lines.
func apart(text string) string {
	var all strings.Builder
	before := byte(0)
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '_':
			all.WriteByte(' ')
		case c == '/':
			all.WriteString(" / ")
		case 'A' <= c && c <= 'Z':
			if 'a' <= before && before <= 'z' || '0' <= before && before <= '9' {
				all.WriteByte(' ')
			}
			all.WriteByte(c - 'A' + 'a')
		default:
			all.WriteByte(c)
		}
		before = c
	}
	return all.String()
}
