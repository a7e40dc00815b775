package proof_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// Comparisons of secrets, and of what is made of them, take the same time whatever they are. This test reads the
// package's code and knows such values by their names.
func TestSecretsAreComparedInConstantTimeAlone(t *testing.T) {
	t.Parallel()
	for _, found := range comparisonsOfSecrets(t, files(t)) {
		t.Error(found)
	}
	// The test itself is held to what it has to find.
	bad := map[string]string{"bad.go": `package p
func f(secret, given, x string, key []byte) bool {
	return secret == x || bytes.Equal(key, x) || x != s.Text || string(given) == x || slices.Equal(mac, y) || strings.EqualFold(token, x)
}
func g(secret string, key []byte) bool { return secret == "" || key != nil || len(key) == 3 }`}
	if found := comparisonsOfSecrets(t, bad); len(found) != 6 {
		t.Errorf("of six comparisons that must not be, found %q", found)
	}
}

func files(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil || len(names) < 10 {
		t.Fatalf("found %q: %v", names, err)
	}
	texts := map[string]string{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

func comparisonsOfSecrets(t *testing.T, texts map[string]string) []string {
	t.Helper()
	set := token.NewFileSet()
	var found []string
	for name, text := range texts {
		file, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.BinaryExpr:
				if (node.Op == token.EQL || node.Op == token.NEQ) && !isTrivial(node.X) && !isTrivial(node.Y) && (isSecret(node.X) || isSecret(node.Y)) {
					found = append(found, set.Position(node.Pos()).String()+": compares a secret with "+node.Op.String())
				}
			case *ast.CallExpr:
				function, ok := node.Fun.(*ast.SelectorExpr)
				if ok && slices.Contains([]string{"Equal", "Compare", "EqualFold"}, function.Sel.Name) &&
					!isPackage(function.X, "subtle", "hmac") && slices.ContainsFunc(node.Args, isSecret) {
					found = append(found, set.Position(node.Pos()).String()+": compares a secret with "+function.Sel.Name)
				}
			}
			return true
		})
	}
	return found
}

func isPackage(node ast.Expr, names ...string) bool {
	name, ok := node.(*ast.Ident)
	return ok && slices.Contains(names, name.Name)
}

// isTrivial tells what says nothing about a secret but whether there is one: "", nil, numbers and constants.
func isTrivial(node ast.Expr) bool {
	switch node := node.(type) {
	case *ast.BasicLit:
		return node.Kind == token.INT || node.Value == `""`
	case *ast.Ident:
		return node.Name == "nil"
	}
	return false
}

// isSecret knows secrets by their names.
func isSecret(node ast.Expr) bool {
	switch node := node.(type) {
	case *ast.Ident:
		return slices.Contains([]string{"secret", "bare", "key", "keys", "given", "mac", "want", "digest", "code", "token"}, node.Name)
	case *ast.SelectorExpr:
		return slices.Contains([]string{"Text", "given", "keys", "secrets"}, node.Sel.Name)
	case *ast.IndexExpr:
		return isSecret(node.X)
	case *ast.SliceExpr:
		return isSecret(node.X)
	case *ast.CallExpr: // A conversion, such as string(key).
		function, ok := node.Fun.(*ast.Ident)
		return ok && function.Name != "len" && slices.ContainsFunc(node.Args, isSecret)
	}
	return false
}
