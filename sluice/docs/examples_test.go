package docs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// exemplified are the packages that programs of one's own are written with, and which of their functions those call: all that
// are exported where none is named.
func exemplified() map[string][]string {
	return map[string][]string{
		"worker": nil, "worker/handler": nil, "worker/handlertest": nil, "worker/greenapi": nil, "worker/postgres": nil, "worker/sqlite": nil,
		"sluice/program": nil, "gateway": {"Main"}, "shared/source": {"Register"},
	}
}

// Who writes a program of his own finds an example beside each function, which at least compiles.
func TestFunctionsForProgramsOfOnesOwnHaveExamples(t *testing.T) {
	t.Parallel()
	count := 0
	for folder, named := range exemplified() {
		functions, examples := documented(t, folder)
		if len(named) > 0 {
			functions = slices.DeleteFunc(functions, func(name string) bool { return !slices.Contains(named, name) })
		}
		if len(functions) < max(len(named), 1) {
			t.Errorf("%s has the functions %q, want %q", folder, functions, named)
		}
		for _, name := range functions {
			if count++; !slices.Contains(examples, name) {
				t.Errorf("%s has no Example%s", folder, name)
			}
		}
	}
	if count < 30 {
		t.Errorf("found %d functions", count)
	}
}

// documented returns the names of a package's exported functions, and what its examples are for.
func documented(t *testing.T, folder string) (functions, examples []string) {
	t.Helper()
	set := token.NewFileSet()
	var files, tests []*ast.File
	for _, name := range projectFiles(t) {
		if path.Dir(name) != folder || path.Ext(name) != ".go" {
			continue
		}
		file, err := parser.ParseFile(set, name, read(t, name), parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			tests = append(tests, file)
			continue
		}
		files = append(files, file)
	}
	documentation, err := doc.NewFromFiles(set, files, folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, function := range documentation.Funcs {
		functions = append(functions, function.Name)
	}
	for _, kind := range documentation.Types { // Those that return one.
		for _, function := range kind.Funcs {
			functions = append(functions, function.Name)
		}
	}
	for _, example := range doc.Examples(tests...) {
		examples = append(examples, example.Name)
	}
	return functions, examples
}
