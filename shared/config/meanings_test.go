package config_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	gotoken "go/token"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write meanings.go instead of comparing it")

const meaningsFile = "meanings.go"

func TestMeaningsAreTheDocComments(t *testing.T) {
	t.Parallel()
	want := meanings(t, "config.go", "source.go", "account.go", "bot.go", "handler.go")
	if *update {
		if err := os.WriteFile(meaningsFile, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(meaningsFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the doc comments say (error %v); run: go generate ./shared/config", meaningsFile, err)
	}
}

// meanings is the generated file for the doc comments of all fields with a yaml tag in the files.
func meanings(t *testing.T, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	fmt.Fprint(&out, "// Code generated from the doc comments in "+strings.Join(files, ", ")+" by go generate; DO NOT EDIT.\n\n"+
		"package config\n\n"+
		"// meanings returns the doc comments of the fields that are keys, in one line each, by \"Struct.Field\".\n"+
		"func meanings() map[string]string {\n\treturn map[string]string{\n")
	for _, name := range files {
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			for _, field := range spec.Type.(*ast.StructType).Fields.List {
				if field.Tag == nil || strings.Contains(field.Tag.Value, `yaml:"-"`) {
					continue
				}
				fmt.Fprintf(&out, "%q: %q,\n", spec.Name.Name+"."+field.Names[0].Name, strings.Join(strings.Fields(field.Doc.Text()), " "))
			}
			return false
		})
	}
	fmt.Fprint(&out, "}\n}\n")
	text, err := format.Source(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return text
}
