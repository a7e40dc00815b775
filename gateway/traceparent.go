package gateway

import (
	"net/http"
	"strings"
)

// traceParent returns the request's trace context, "" when it has none or one that is not valid: a wrong one
// handed on would spoil the traces of everything behind.
// Source: https://www.w3.org/TR/trace-context/#traceparent-header
func traceParent(header http.Header) string {
	values := header.Values("Traceparent")
	if len(values) != 1 || !isTraceParent(values[0]) {
		return ""
	}
	return values[0]
}

// isTraceParent knows version 00: 00-<trace id>-<parent id>-<flags>, in lower-case hexadecimal digits, no id
// all zeros.
func isTraceParent(value string) bool {
	if len(value) != len("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") {
		return false
	}
	parts := strings.Split(value, "-")
	return len(parts) == 4 && parts[0] == "00" &&
		isID(parts[1], 32) && isID(parts[2], 16) && len(parts[3]) == 2 && isHex(parts[3])
}

func isID(text string, length int) bool {
	return len(text) == length && isHex(text) && strings.Trim(text, "0") != ""
}

func isHex(text string) bool { return strings.Trim(text, "0123456789abcdef") == "" }
