package schemas

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// maxFaultyMembers is how many faulty items of an array, or fields of an object, are looked at further. The validator
// makes an error of some 1,500 bytes for each, and an error of errors for each level above: a body of 400 KB made it
// take 300 MB.
const maxFaultyMembers = 25

// bounded takes the place of the keywords that hold every item or every field against one schema: items,
// prefixItems and contains, additionalProperties, patternProperties and propertyNames. It accepts what they accept.
// Of what they refuse it names the first faults only, so that a body of nothing but faults costs little.
type bounded struct {
	prefix   []*jsonschema.Schema // for the first items
	items    *jsonschema.Schema   // for all others; nil accepts them
	contains *jsonschema.Schema
	// minContains and maxContains are -1 when not given. evaluates says that what matches counts as evaluated.
	minContains, maxContains int
	evaluates                bool

	names      *jsonschema.Schema // for the names of fields
	patterns   map[*regexp.Regexp]*jsonschema.Schema
	additional *jsonschema.Schema // for fields that neither known nor patterns name
	closed     bool               // no such fields are allowed
	known      map[string]*jsonschema.Schema
}

// boundFaults puts such a bounded in place of a schema's keywords. A schema that several types share has one already
// when its turn comes again.
func boundFaults(s *jsonschema.Schema) {
	if s.Extensions[boundedName] != nil {
		return
	}
	b := &bounded{minContains: -1, maxContains: -1, known: s.Properties}
	taken := b.takeItems(s)
	taken = b.takeContains(s) || taken
	taken = b.takeFields(s) || taken
	if !taken {
		return
	}
	if s.Extensions == nil {
		s.Extensions = map[string]jsonschema.ExtSchema{}
	}
	s.Extensions[boundedName] = b
}

const boundedName = "bounded"

// takeItems takes items in both of its forms: until draft 2019-09 it may be a list, which prefixItems is since then.
func (b *bounded) takeItems(s *jsonschema.Schema) bool {
	switch items := s.Items.(type) {
	case *jsonschema.Schema:
		b.items, s.Items = items, nil
		return true
	case []*jsonschema.Schema:
		additional, isSchema := s.AdditionalItems.(*jsonschema.Schema)
		if !isSchema {
			return false // At most as many faults as the schema names items, and one more.
		}
		b.prefix, b.items = items, additional
		s.Items, s.AdditionalItems = nil, nil
		return true
	}
	if s.Items2020 == nil {
		return false
	}
	b.prefix, b.items = s.PrefixItems, s.Items2020
	s.PrefixItems, s.Items2020 = nil, nil
	return true
}

func (b *bounded) takeContains(s *jsonschema.Schema) bool {
	if s.Contains == nil {
		return false
	}
	b.contains, b.minContains, b.maxContains, b.evaluates = s.Contains, s.MinContains, s.MaxContains, s.ContainsEval
	s.Contains = nil
	return true
}

// takeFields takes the keywords about fields that the schema does not name. They go together: which fields are
// additional depends on the patterns.
func (b *bounded) takeFields(s *jsonschema.Schema) bool {
	taken := b.takeNames(s)
	additional, isSchema := s.AdditionalProperties.(*jsonschema.Schema)
	if len(s.PatternProperties) == 0 && !isSchema {
		return taken
	}
	b.patterns, s.PatternProperties = s.PatternProperties, nil
	if isSchema {
		b.additional, s.AdditionalProperties = additional, nil
	}
	if allowed, isBool := s.AdditionalProperties.(bool); isBool && !allowed {
		b.closed, s.AdditionalProperties = true, nil
	}
	return true
}

func (b *bounded) takeNames(s *jsonschema.Schema) bool {
	if s.PropertyNames == nil {
		return false
	}
	b.names, s.PropertyNames = s.PropertyNames, nil
	return true
}

// Validate holds an array's items or an object's fields against the schemas.
func (b *bounded) Validate(ctx jsonschema.ValidationContext, value any) error {
	var faults faultList
	switch value := value.(type) {
	case []any:
		b.validateItems(ctx, value, &faults)
		if b.contains != nil {
			faults.add(b.validateContains(ctx, value))
		}
	case map[string]any:
		b.validateFields(ctx, value, &faults)
	}
	return faults.joined(ctx)
}

func (b *bounded) validateItems(ctx jsonschema.ValidationContext, items []any, faults *faultList) {
	if b.items == nil && len(b.prefix) == 0 {
		return
	}
	for i, item := range items {
		if faults.full() {
			return
		}
		index := strconv.Itoa(i)
		ctx.EvaluatedItem(i)
		if i < len(b.prefix) {
			faults.add(ctx.Validate(b.prefix[i], "prefixItems/"+index, item, index))
		} else {
			faults.add(ctx.Validate(b.items, "items", item, index))
		}
	}
}

// validateContains counts the items that match. Why the others don't is told to nobody.
func (b *bounded) validateContains(ctx jsonschema.ValidationContext, items []any) error {
	matched := 0
	for i, item := range items {
		if ctx.Validate(b.contains, "contains", item, strconv.Itoa(i)) != nil {
			continue
		}
		matched++
		if b.evaluates {
			ctx.EvaluatedItem(i)
		}
	}
	switch {
	case b.minContains >= 0 && matched < b.minContains:
		return ctx.Error("minContains", "valid must be >= %d, but got %d", b.minContains, matched)
	case b.maxContains >= 0 && matched > b.maxContains:
		return ctx.Error("maxContains", "valid must be <= %d, but got %d", b.maxContains, matched)
	}
	return nil
}

// validateFields goes through the fields in order of their names, so that the same body always has the same faults.
func (b *bounded) validateFields(ctx jsonschema.ValidationContext, object map[string]any, faults *faultList) {
	if b.names == nil && b.additional == nil && !b.closed && len(b.patterns) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if faults.full() {
			return
		}
		b.validateField(ctx, name, object[name], faults)
	}
}

func (b *bounded) validateField(ctx jsonschema.ValidationContext, name string, value any, faults *faultList) {
	at := escape(name)
	if b.names != nil {
		faults.add(ctx.Validate(b.names, "propertyNames", name, at))
	}
	_, named := b.known[name]
	for pattern, s := range b.patterns {
		if pattern.MatchString(name) {
			named = true
			ctx.EvaluatedProp(name)
			faults.add(ctx.Validate(s, "patternProperties/"+escape(pattern.String()), value, at))
		}
	}
	switch {
	case b.closed && !named:
		faults.add(ctx.Error("additionalProperties", "additionalProperties '%s' not allowed", name))
	case b.additional != nil && !named:
		faults.add(ctx.Validate(b.additional, "additionalProperties", value, at))
	}
	if b.closed || b.additional != nil {
		ctx.EvaluatedProp(name)
	}
}

// faultList collects errors up to the bound.
type faultList struct{ errs []error }

func (f *faultList) full() bool { return len(f.errs) >= maxFaultyMembers }

func (f *faultList) add(err error) {
	if err != nil && !f.full() {
		f.errs = append(f.errs, err)
	}
}

// joined returns the errors as one, the validator's own kind of error, or nil.
func (f *faultList) joined(ctx jsonschema.ValidationContext) error {
	if len(f.errs) == 0 {
		return nil
	}
	joined := ctx.Error("", "members are not valid")
	for _, err := range f.errs {
		var invalid *jsonschema.ValidationError
		if errors.As(err, &invalid) {
			joined.Causes = append(joined.Causes, invalid)
		}
	}
	return joined
}
