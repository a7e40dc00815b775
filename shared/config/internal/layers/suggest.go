package layers

import (
	"fmt"
	"slices"
	"strings"
)

// Hint goes on from "unknown …" with the candidate that was meant, or else with all of them.
func Hint(word string, candidates []string) string {
	if name := nearest(word, candidates); name != "" {
		return fmt.Sprintf("; did you mean %q?", name)
	}
	return "; known are " + strings.Join(candidates, ", ")
}

// nearest returns the candidate that the word was most likely meant to be, empty when none is close.
func nearest(word string, candidates []string) string {
	best, fewest := "", len(word)/3+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		if d := Distance(word, candidate); d <= fewest && (best == "" || d < fewest) {
			best, fewest = candidate, d
		}
	}
	return best
}

// Distance counts the letters to insert, remove or replace to make one text the other (Levenshtein), which tells what somebody
// meant to write. It takes time in proportion to the product of the lengths, so bound what strangers wrote.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
