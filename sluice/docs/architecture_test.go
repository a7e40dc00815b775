package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	architecture = "docs/architecture.md"
	module       = "sluice.internal/"
)

// rows returns the cells of all rows of the tables in a text, without heads and rules.
func rows(text string) [][]string {
	var all [][]string
	head := true
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "|") {
			head = true
			continue
		}
		if !head && !strings.HasPrefix(line, "|--") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			all = append(all, cells)
		}
		head = false
	}
	return all
}

// marked returns what is marked as code in a cell.
func marked(cell string) []string {
	var all []string
	for _, match := range codeSpan.FindAllStringSubmatch(cell, -1) {
		all = append(all, match[1])
	}
	return all
}

func TestWayOfANotificationIsAsWritten(t *testing.T) {
	t.Parallel()
	steps := rows(open(t, architecture).section(t, "## The way of a notification"))
	if len(steps) < 10 {
		t.Fatalf("found %d steps", len(steps))
	}
	for _, step := range steps {
		wantFunctions(t, step[1], step[2])
	}
}

// wantFunctions checks that the file in one cell declares the functions in the other, each as its name or as
// Type.Method.
func wantFunctions(t *testing.T, file, functions string) {
	t.Helper()
	files, names := marked(file), marked(functions)
	if len(files) != 1 || len(names) == 0 {
		t.Errorf("a row of %s has not one file and its functions: %s | %s", architecture, file, functions)
		return
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, files[0]), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("%s: %v", architecture, err)
		return
	}
	declared := functionsOf(syntax)
	for _, name := range names {
		if !slices.Contains(declared, name) {
			t.Errorf("%s: %s has no function %s", architecture, files[0], name)
		}
	}
}

// functionsOf returns the names of the functions in a file; those of methods also with their type.
func functionsOf(file *ast.File) []string {
	var all []string
	for _, declaration := range file.Decls {
		function, isFunction := declaration.(*ast.FuncDecl)
		if !isFunction {
			continue
		}
		all = append(all, function.Name.Name)
		if function.Recv != nil {
			all = append(all, receiver(function.Recv.List[0].Type)+"."+function.Name.Name)
		}
	}
	return all
}

func receiver(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// A reader follows a request with a finger on few pages and never turns back: the lists are short, and no file is in
// one of them twice.
func TestWayOfARequestIsShort(t *testing.T) {
	t.Parallel()
	section := document{name: architecture, text: open(t, architecture).section(t, "## The way of a request")}
	limits := map[string]int{"### Accepted": 8, "### Refused": 6, "### After the answer to a refused request": 6}
	if headings := regexp.MustCompile(`(?m)^### .*$`).FindAllString(section.text, -1); len(headings) != len(limits) {
		t.Errorf("the ways are %q", headings)
	}
	for heading, limit := range limits {
		stops := rows(section.section(t, heading))
		if len(stops) == 0 || len(stops) > limit {
			t.Errorf("%s has %d files, want 1 to %d", heading, len(stops), limit)
		}
		var passed []string
		for _, stop := range stops {
			wantFunctions(t, stop[0], stop[1])
			if slices.Contains(passed, stop[0]) {
				t.Errorf("%s comes to %s twice", heading, stop[0])
			}
			passed = append(passed, stop[0])
		}
	}
}

// A packageRow is a row of the table of packages.
type packageRow struct {
	name string
	may  []string
}

func packageTable(t *testing.T) []packageRow {
	t.Helper()
	var table []packageRow
	for _, row := range rows(open(t, architecture).section(t, "## Packages, and what each may import")) {
		table = append(table, packageRow{name: marked(row[0])[0], may: marked(row[2])})
	}
	return table
}

func TestPackagesImportWhatTheTableAllows(t *testing.T) {
	t.Parallel()
	imports := imported(t)
	for _, row := range packageTable(t) {
		actual, exists := imports[row.name]
		if !exists {
			t.Errorf("%s: there is no package %s", architecture, row.name)
			continue
		}
		delete(imports, row.name)
		for _, name := range actual {
			if !slices.Contains(row.may, name) {
				t.Errorf("%s imports %s; allow it in %s, or do without", row.name, name, architecture)
			}
		}
		for _, name := range row.may {
			if !slices.Contains(actual, name) {
				t.Errorf("%s: %s does not import %s", architecture, row.name, name)
			}
		}
	}
	for name := range imports {
		t.Errorf("%s says nothing about the package %s", architecture, name)
	}
}

// imported returns the packages of Sluice and which others of them each imports, tests aside.
func imported(t *testing.T) map[string][]string {
	t.Helper()
	packages := map[string][]string{}
	for _, name := range projectFiles(t) {
		folder := path.Dir(name)
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			continue
		}
		if strings.HasSuffix(name, "_test.go") {
			packages[folder] = append(packages[folder], []string{}...)
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		packages[folder] = append(packages[folder], []string{}...)
		for _, one := range syntax.Imports {
			other, ours := strings.CutPrefix(strings.Trim(one.Path.Value, `"`), module)
			if ours && !slices.Contains(packages[folder], other) {
				packages[folder] = append(packages[folder], other)
			}
		}
	}
	return packages
}

// What the table allows, the linter must not refuse.
func TestTableOfPackagesAgreesWithTheLinter(t *testing.T) {
	t.Parallel()
	rules := depguard(t)
	for _, row := range packageTable(t) {
		for name, rule := range rules {
			if !rule.covers(row.name) {
				continue
			}
			for _, allowed := range row.may {
				if rule.refuses(module + allowed) {
					t.Errorf("%s lets %s import %s, the rule %s of .golangci.yml refuses it", architecture, row.name, allowed, name)
				}
			}
		}
	}
}

// A linterRule is a rule of depguard: what the files may not import, or, if strict, what they may.
type linterRule struct {
	Files []string `yaml:"files"`
	Mode  string   `yaml:"list-mode"`
	Allow []string `yaml:"allow"`
	Deny  []struct {
		Package string `yaml:"pkg"`
	} `yaml:"deny"`
}

func depguard(t *testing.T) map[string]linterRule {
	t.Helper()
	var file struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]linterRule `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	content, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	rules := file.Linters.Settings.Depguard.Rules
	if len(rules) < 8 {
		t.Fatalf("found %d rules of depguard", len(rules))
	}
	return rules
}

// covers reports whether a rule holds for the files of a package that are no tests. A rule without patterns holds for
// all; so does one that names only what it leaves out.
func (r linterRule) covers(name string) bool {
	covered, onlyLeavesOut := false, true
	for _, pattern := range r.Files {
		if pattern == "!$test" {
			continue
		}
		without, leftOut := strings.CutPrefix(pattern, "!")
		matches := globMatches(without, "/"+name+"/file.go")
		if leftOut && matches {
			return false
		}
		if !leftOut {
			onlyLeavesOut = false
			covered = covered || matches
		}
	}
	return covered || onlyLeavesOut
}

// globMatches matches a path with a pattern in which ** stands for any folders and * for a part of a name.
func globMatches(pattern, name string) bool {
	expression := regexp.QuoteMeta(pattern)
	expression = strings.NewReplacer(`\*\*/`, `(?:.*/)?`, `\*`, `[^/]*`).Replace(expression)
	return regexp.MustCompile("^" + expression + "$").MatchString(name)
}

// refuses reports whether a rule forbids an import. A name in a rule stands for all that begins with it, unless it ends
// with $.
func (r linterRule) refuses(name string) bool {
	begins := func(prefix string) bool {
		exact, whole := strings.CutSuffix(prefix, "$")
		return name == exact || !whole && strings.HasPrefix(name, prefix)
	}
	for _, deny := range r.Deny {
		if begins(deny.Package) {
			return true
		}
	}
	return r.Mode == "strict" && !slices.ContainsFunc(r.Allow, begins)
}
