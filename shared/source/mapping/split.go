package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sluice.internal/shared/notification"
)

// Some senders put several notifications into one request, as Meta does with the messages of a moment. A source that divides
// its requests makes an event of each. A place names the arrays whose items they are, with * for any item:
//
//	/entry/*/changes/*/value/messages/*
//	/*
//
// The body of a part is the request's with no other item in these arrays, as if the sender had sent that one alone, so that a
// place such as /entry/0/changes/0/value/messages/0/id is right for both. Only of an array that is the whole body the item
// alone remains. Where several places fit, each item of each is a part; an item without any of the arrays below it is one
// itself. A body that has none of them is not divided.
const (
	// MaxParts is how many notifications a request may have. Meta's batches have up to 1,000.
	MaxParts = 1000
	// maxPartsBytes bounds the bodies of all parts together, in bytes: what is around the arrays is in each. A larger request
	// may have as many as partsGrowth times its size.
	maxPartsBytes = 16 << 20
	partsGrowth   = 2

	anyItem = "*"
)

var errParts = fmt.Errorf("has more than %d notifications in it", MaxParts)

// checkSplit returns what is wrong with a place that divides requests.
func checkSplit(place string) error {
	steps := strings.Split(place, "/")
	if steps[0] != "" || steps[len(steps)-1] != anyItem {
		return errors.New("names no items; write for example /events/*, or /* for a body that is an array")
	}
	return nil
}

// Parts returns the notifications that a request has in it, in their order; that is itself where it has none of the arrays
// at the places. Each has its number, and a body of its own. The fault says why a request can't be divided.
func Parts(places []string, n *notification.Notification) ([]*notification.Notification, *notification.Fault) {
	whole := []*notification.Notification{n}
	if len(places) == 0 || n.Part > 0 || n.ContentEncoding != "" {
		return whole, nil
	}
	body := notification.AsJSON(n.ContentType, n.Body)
	if !jsontext.Value(body).IsValid(lenient()...) { // Whoever reads the whole says what is wrong with it.
		return whole, nil
	}
	bodies, err := divided(body, arraysOf(places))
	if err != nil {
		return whole, &notification.Fault{Message: err.Error()}
	}
	if bodies == nil {
		return whole, nil
	}
	parts := make([]*notification.Notification, len(bodies))
	for i, body := range bodies {
		part := *n
		part.Body, part.ContentType, part.Part, part.Parts = body, "application/json", i+1, len(bodies)
		parts[i] = &part
	}
	return parts, nil
}

// lenient takes what is found at fault later, when each part is read.
func lenient() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
}

// arrays is a step towards arrays that are divided: the steps behind it, by name. One with a step for any item is such an array.
type arrays map[string]arrays

// arraysOf joins places where they begin in the same way.
func arraysOf(places []string) arrays {
	root := arrays{}
	for _, place := range places {
		at := root
		for _, step := range notification.PointerTokens(place) {
			if at[step] == nil {
				at[step] = arrays{}
			}
			at = at[step]
		}
	}
	return root
}

// divided returns the bodies of the parts, nil for a body without any of the arrays.
func divided(body []byte, at arrays) ([][]byte, error) {
	d := divider{left: max(maxPartsBytes, partsGrowth*len(body))}
	parts, err := d.value(body, at)
	if err != nil {
		return nil, err
	}
	if at[anyItem] == nil {
		return parts, nil
	}
	for i, part := range parts { // Of the array around an item nothing remains.
		parts[i] = bytes.TrimSpace(part[1 : len(part)-1])
	}
	return parts, nil
}

// divider counts the memory of all that is made.
type divider struct{ left int }

func (d *divider) take(size int) error {
	if d.left -= size; d.left < 0 {
		return fmt.Errorf("has notifications in it whose bodies would have more than %d bytes together", maxPartsBytes)
	}
	return nil
}

// value returns what becomes of a value: as many as there are parts in it, nil where there are none.
func (d *divider) value(raw []byte, at arrays) ([][]byte, error) {
	switch item := at[anyItem]; {
	case len(at) == 0:
		return nil, nil
	case item != nil:
		return d.array(raw, item)
	default:
		return d.object(raw, at)
	}
}

func (d *divider) array(raw []byte, at arrays) (parts [][]byte, err error) {
	for item := range children(raw, '[') {
		inner, err := d.value(item.raw, at)
		if err != nil {
			return nil, err
		}
		if inner == nil {
			inner = [][]byte{item.raw}
		}
		for _, one := range inner {
			if len(parts) == MaxParts {
				return nil, errParts
			}
			if err := d.take(len(one) + 2); err != nil {
				return nil, err
			}
			parts = append(parts, slices.Concat([]byte("["), one, []byte("]")))
		}
	}
	return parts, nil
}

// object puts each part of each member into a copy of the object that has no other member with parts.
func (d *divider) object(raw []byte, at arrays) (parts [][]byte, err error) {
	divided := map[string][][]byte{}
	members := slices.Collect(children(raw, '{'))
	for _, member := range members {
		if at[member.name] == nil {
			continue
		}
		if divided[member.name] != nil {
			return nil, nil // Two of a name are ambiguous, which whoever reads the whole finds.
		}
		if divided[member.name], err = d.value(member.raw, at[member.name]); err != nil {
			return nil, err
		}
	}
	for _, member := range members {
		for _, one := range divided[member.name] {
			if len(parts) == MaxParts {
				return nil, errParts
			}
			part := written(members, func(other child) []byte {
				switch {
				case other.name == member.name:
					return one
				case divided[other.name] != nil:
					return nil
				default:
					return other.raw
				}
			})
			if err := d.take(len(part)); err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
	}
	return parts, nil
}

// written writes an object of members and what each has become; those that became nil are left out.
func written(members []child, became func(child) []byte) []byte {
	object := []byte("{")
	for _, member := range members {
		raw := became(member)
		if raw == nil {
			continue
		}
		if len(object) > 1 {
			object = append(object, ',')
		}
		object = append(append(append(object, member.quoted...), ':'), raw...)
	}
	return append(object, '}')
}

// child is a member of an object or an item of an array, as it is written.
type child struct {
	name        string
	quoted, raw []byte
}

// children yields what an object or an array has, up to the first thing that is no JSON; nothing for another value.
func children(raw []byte, kind jsontext.Kind) iter.Seq[child] {
	return func(yield func(child) bool) {
		decoder := jsontext.NewDecoder(bytes.NewBuffer(raw), lenient()...)
		if open, err := decoder.ReadToken(); err != nil || open.Kind() != kind {
			return
		}
		// What was read is a piece of raw, so that nothing is copied.
		read := func() ([]byte, error) {
			value, err := decoder.ReadValue()
			end := decoder.InputOffset()
			return raw[end-int64(len(value)) : end], err
		}
		for next := decoder.PeekKind(); next != '}' && next != ']' && next != 0; next = decoder.PeekKind() {
			var (
				one child
				err error
			)
			if kind == '{' {
				if one.quoted, err = read(); err != nil || json.Unmarshal(one.quoted, &one.name) != nil {
					return
				}
			}
			if one.raw, err = read(); err != nil {
				return
			}
			if !yield(one) {
				return
			}
		}
	}
}
