package schemas

import (
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// alternatives explains a value that none of several schemas accepts. All their faults together would contradict each
// other. It guesses which of the schemas the sender meant, by the fields that are there. Where that can't be told, it lists
// the choices.
func (x explainer) alternatives(e *jsonschema.ValidationError) []cause {
	pointer := plainPointer(e.InstanceLocation)
	branches := make([][]cause, len(e.Causes))
	for i, branch := range e.Causes {
		branches[i] = x.causes(branch)
	}
	if types, ok := wantedTypes(branches, pointer); ok {
		return []cause{mistyped(pointer, lookUp(x.document, pointer), types)}
	}
	// Who sends the fields of one of the schemas meant that one, whatever else is wrong with them.
	meant := slices.DeleteFunc(slices.Clone(branches), func(branch []cause) bool {
		return len(lacking(branch, pointer)) > 0
	})
	if len(meant) == 0 {
		return []cause{{Fault: Fault{pointer, "must have " + choice(branches, pointer)}}}
	}
	return slices.MinFunc(meant, func(a, b []cause) int { return len(a) - len(b) })
}

// wantedTypes joins the types of schemas that differ in the type of the value alone.
func wantedTypes(branches [][]cause, pointer string) ([]string, bool) {
	var types []string
	for _, branch := range branches {
		if len(branch) != 1 || branch[0].types == nil || branch[0].Pointer != pointer {
			return nil, false
		}
		for _, name := range branch[0].types {
			if !slices.Contains(types, name) {
				types = append(types, name)
			}
		}
	}
	return types, len(types) > 0
}

// lacking returns the names of the fields that a schema misses in the object itself.
func lacking(branch []cause, object string) []string {
	var names []string
	for _, c := range branch {
		if c.missing != "" && c.object == object {
			names = append(names, c.missing)
		}
	}
	return names
}

// choice lists the fields of which one is enough: "a or b", "a, b or c", "a and b, or c".
func choice(branches [][]cause, object string) string {
	var choices []string
	compound := false
	for _, branch := range branches {
		names := lacking(branch, object)
		compound = compound || len(names) > 1
		choices = append(choices, list(names, "and"))
	}
	if compound {
		return strings.Join(choices, ", or ")
	}
	return list(choices, "or")
}
