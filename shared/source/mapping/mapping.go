package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
)

// Mapping says where the parts of a source's notifications are. Each place is one of
//
//	/event/type       a JSON pointer (RFC 6901) into the body; for a form, / and the field's name
//	$.event.type      the same as a JSON path of names and [indices]
//	root              the name of the body's only member, which is that of the outermost element of XML
//	header:X-Event    a field of the request
//	query:event       a parameter of the request's URL
//	constant:order    the same text always
//	key:a,b           the name of the first of these members that the body has; key:!a,b that of the first other one, and
//	                  key:/data:a,b looks into the object there
//	body              a digest of the whole body
//
// With | between several places the first counts that leads to something. An empty place leaves its part out. A place that
// leads to nothing, or to something that is no string or number, is as an empty one.
type Mapping struct {
	// Type is where the type is.
	Type string `json:"type,omitempty"`
	// Instance names the sender's account.
	Instance string `json:"instance,omitempty"`
	// ID is what makes a notification the same as another one; all places together. Empty means the body.
	ID []string `json:"id,omitempty"`
	// Order names what must stay in order.
	Order string `json:"order,omitempty"`
	// SentAt is the sender's time, in seconds or parts of these since 1970, with a fraction or not, or as RFC 3339.
	SentAt string `json:"sent_at,omitempty"`
	// Object names what a notification is about, where they come out of order; it needs SentAt.
	Object string `json:"object,omitempty"`
	// Window is for how long after the first one those with the same identity are the same; 0 leaves that to the provider.
	Window time.Duration `json:"window,omitempty"`
	// EachOwn makes each request an event of its own.
	EachOwn bool `json:"each_own,omitempty"`
	// Split names the arrays of the body whose items are notifications of their own; see MaxParts.
	Split []string `json:"split,omitempty"`
}

// QueryField begins the name under which a parameter of a request's URL travels among its header fields. None of these has a
// point in its name.
const QueryField = "Query."

// Check returns all faults of a mapping, nil when there is none.
func (m Mapping) Check() error {
	var faults []error
	for _, place := range m.places() {
		if err := CheckPlace(place); err != nil {
			faults = append(faults, fmt.Errorf("place %q %w", place, err))
		}
	}
	for _, place := range m.Split {
		if err := checkSplit(place); err != nil {
			faults = append(faults, fmt.Errorf("read.split: %q %w", place, err))
		}
	}
	if m.Object != "" && m.SentAt == "" {
		faults = append(faults, errors.New("read.object needs read.sent_at"))
	}
	return errors.Join(faults...)
}

func (m Mapping) places() []string {
	return append([]string{m.Type, m.Instance, m.Order, m.SentAt, m.Object}, m.ID...)
}

// Fields returns what the mapping reads of a request beside its body, in order: canonical names of header fields, and names of
// parameters with QueryField before them.
func (m Mapping) Fields() []string {
	var names []string
	for _, places := range m.places() {
		for place := range alternatives(places) {
			if name, ok := strings.CutPrefix(place, placeHeader); ok {
				names = append(names, http.CanonicalHeaderKey(name))
			}
			if name, ok := strings.CutPrefix(place, placeQuery); ok {
				names = append(names, QueryField+name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Encode writes the mapping as a notification carries it.
func (m Mapping) Encode() string {
	text, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return string(text)
}

// NamesPlaces reports whether the mapping says where anything is.
func (m Mapping) NamesPlaces() bool { return strings.Join(append(m.places(), m.Split...), "") != "" }

// IsEmpty reports whether the mapping says nothing.
func (m Mapping) IsEmpty() bool { return m.Encode() == "{}" }

// Of returns the mapping that a notification carries. Another program may have written it; what can't be read is an
// empty one.
func Of(n *notification.Notification) Mapping {
	var m Mapping
	if json.Unmarshal([]byte(n.Mapping), &m) != nil {
		return Mapping{}
	}
	return m
}

// Identify reads the identity of a notification.
func (m Mapping) Identify(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type: m.Text(m.Type, n, body), Instance: m.Text(m.Instance, n, body), OrderKey: m.Text(m.Order, n, body),
	}
	identity.SentAt = TimeFrom(m.Text(m.SentAt, n, body))
	identity.Object = m.Text(m.Object, n, body)
	var id []string
	known := false
	for _, place := range m.ID {
		text := m.Text(place, n, body)
		known = known || text != ""
		id = append(id, text)
	}
	if !known { // Only the body tells it from others then.
		id = nil
	}
	SetKey(&identity, n, body, append([]string{identity.Instance, identity.Type}, id...), known)
	return identity
}

// TimeFrom reads a sender's time; zero when it can't be read or lies outside of what can be written. A fraction is cut off
// to microseconds.
func TimeFrom(text string) time.Time {
	whole, digits, _ := strings.Cut(strings.TrimSpace(text), ".")
	if strings.Trim(whole+digits, "0123456789") != "" { // Such as RFC 3339, which has a point of its own.
		whole, digits = text, ""
	}
	at, ok := proof.ParseTimestamp(whole)
	if fraction, err := strconv.ParseFloat("0."+digits, 64); ok && digits != "" && err == nil {
		at = at.Add(time.Duration(fraction * float64(unitOf(whole))))
	}
	at = at.Truncate(time.Microsecond)
	if !ok || at.Unix() <= 0 || at.Unix() > proof.MaxUnixTime {
		return time.Time{}
	}
	return at.UTC()
}

// unitOf returns what a number counts that was read as a time.
func unitOf(whole string) time.Duration {
	number, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Second
	}
	return proof.UnitOf(number)
}
