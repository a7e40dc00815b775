package handler

import (
	"regexp"
	"strings"
)

// GREEN-API puts an error marker where the text or the link of a message should be.
// Source: https://green-api.com/en/docs/api/common-errors/
var markerPattern = regexp.MustCompile(`^\{\{SWE\d{3}\}\}$`)

// findMarker returns the marker that the whole text is, "" for any other text.
func findMarker(text Text) string {
	return markerPattern.FindString(strings.TrimSpace(string(text)))
}

// markerMeaning says what the documentation says of a marker. SWE004 is explained for statuses alone, and there are
// markers, SWE999 for one, that it does not explain at all.
func markerMeaning(marker string) string {
	switch marker {
	case "{{SWE001}}":
		return "the text could not be decrypted yet; the same message may come again with its text"
	case "{{SWE002}}":
		return "the file is larger than 100 MB and can't be downloaded"
	case "{{SWE003}}":
		return "the keys for decryption are out of date; the same message may come again with its text, " +
			"otherwise the account has to be linked again"
	default:
		return "error marker"
	}
}
