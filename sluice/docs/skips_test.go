package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// A test that is skipped counts as passed, and nobody learns that what it holds was not looked at. What a machine lacks is
// installed by a script, or the test fails; what can only be tried on one system has a file for that system.
func TestNoTestIsSkipped(t *testing.T) {
	t.Parallel()
	for _, name := range projectFiles(t) {
		if strings.HasSuffix(name, "_test.go") {
			for _, found := range skips(t, name, read(t, name)) {
				t.Errorf("%s: skips a test", found)
			}
		}
	}
	// The test itself is held to what it has to find.
	const bad = `package p
func TestA(t *testing.T) { t.Skip("no disk"); h.t.Skipf("%d", 1); b.SkipNow(); from.Skipped(); skip() }`
	if found := skips(t, "bad_test.go", bad); len(found) != 3 {
		t.Errorf("of three skips, found %q", found)
	}
}

// skips returns the places at which a file skips tests.
func skips(t *testing.T, name, text string) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok {
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, method.Sel.Name) {
				found = append(found, set.Position(call.Pos()).String())
			}
		}
		return true
	})
	return found
}
