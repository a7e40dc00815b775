package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strings"
	"testing"
)

// TestTablesAreNeverWritten holds the reason for which package-level tables are allowed: they are constants in all but
// name. It reads the code by names, so a local variable must not have the name of a table that it writes to.
func TestTablesAreNeverWritten(t *testing.T) {
	t.Parallel()
	packages := map[string]map[string]string{}
	for _, name := range projectFiles(t) {
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			dir := path.Dir(name)
			if packages[dir] == nil {
				packages[dir] = map[string]string{}
			}
			packages[dir][name] = read(t, name)
		}
	}
	for _, files := range packages {
		for _, found := range writtenTables(t, files) {
			t.Error(found)
		}
	}
	// The test itself is held to what it has to find.
	bad := map[string]string{"bad.go": `package p
var a, b, c, d = map[string]int{"x": 0}, []int{1}, []int{2}, map[string]int{"x": 1}
var fine, empty = []int{1}, map[string]int{}
func init() { empty["x"] = 1 }
func f() { a["x"] = 1; b = nil; c[0]++; delete(d, "x"); for range fine { fine := 1; fine++ } }`}
	if found := writtenTables(t, bad); len(found) != 4 {
		t.Errorf("of four tables that are written, found %q", found)
	}
}

// writtenTables returns the places at which a package writes to its package-level tables.
func writtenTables(t *testing.T, files map[string]string) []string {
	t.Helper()
	set := token.NewFileSet()
	tables := map[string]bool{}
	var parsed []*ast.File
	for name, text := range files {
		file, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
		for _, declaration := range file.Decls {
			if general, ok := declaration.(*ast.GenDecl); ok && general.Tok == token.VAR {
				addTables(general, tables)
			}
		}
	}
	var found []string
	for _, file := range parsed {
		for _, target := range writtenTo(file) {
			if index, ok := target.(*ast.IndexExpr); ok {
				target = index.X
			}
			if name, ok := target.(*ast.Ident); ok && tables[name.Name] && isPackageLevel(name) {
				found = append(found, set.Position(name.Pos()).String()+": writes to the table "+name.Name)
			}
		}
	}
	return found
}

// writtenTo returns what a file assigns to, counts up, deletes from or clears.
func writtenTo(file *ast.File) (targets []ast.Expr) {
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.AssignStmt:
			if node.Tok != token.DEFINE {
				targets = append(targets, node.Lhs...)
			}
		case *ast.IncDecStmt:
			targets = append(targets, node.X)
		case *ast.CallExpr:
			if name, ok := node.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear") && len(node.Args) > 0 {
				targets = append(targets, node.Args[0])
			}
		}
		return true
	})
	return targets
}

// addTables collects the variables of a declaration whose values are literals with something in them.
func addTables(declaration *ast.GenDecl, tables map[string]bool) {
	for _, spec := range declaration.Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, name := range value.Names {
			if i < len(value.Values) {
				if literal, ok := value.Values[i].(*ast.CompositeLit); ok && len(literal.Elts) > 0 {
					tables[name.Name] = true
				}
			}
		}
	}
}

// isPackageLevel reports whether a name is not declared inside of a function. The parser resolves only those of the same
// file that are declared in a scope.
func isPackageLevel(name *ast.Ident) bool {
	if name.Obj == nil {
		return true // Declared in another file of the package.
	}
	_, isVariable := name.Obj.Decl.(*ast.ValueSpec)
	return isVariable
}
