package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// LoadFS compiles the schemas of all layers. Each layer holds <provider>/<type>.json, and in subfolders of a provider
// what its types refer to by relative $ref. A file of a later layer replaces the file of the same name in an earlier
// one, so that LoadFS(BuiltIn(), os.DirFS(dir)) adds and overrides types, one by one.
//
// Nothing but the layers is read: a reference to a file or an address outside of them is an error. All broken files
// are named in the error.
func LoadFS(layers ...fs.FS) (*Set, error) {
	files := map[string][]byte{}
	for _, layer := range layers {
		if err := collect(layer, files); err != nil {
			return nil, err
		}
	}
	compiler, err := newCompiler(files)
	if err != nil {
		return nil, err
	}
	set := &Set{providers: map[string]map[string]*schema{}}
	var broken []error // All are told at once.
	for _, name := range dependenciesFirst(files) {
		sch, err := compile(compiler, name, files[name])
		if err != nil {
			broken = append(broken, fmt.Errorf("compile schema %q: %w", name, err))
			continue
		}
		set.add(name, sch)
	}
	if len(broken) > 0 {
		return nil, errors.Join(broken...)
	}
	set.hasten()
	return set, nil
}

// collect reads the schema files of a layer into files. Names that begin with a dot are passed over: a mounted
// Kubernetes ConfigMap keeps its versions in such folders.
func collect(layer fs.FS, files map[string][]byte) error {
	return fs.WalkDir(layer, ".", func(name string, entry fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(path.Base(name), ".")
		switch {
		case err != nil:
			return fmt.Errorf("read schemas: %w", err)
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden || entry.IsDir() || path.Ext(name) != ".json":
			return nil
		case !strings.Contains(name, "/"):
			return fmt.Errorf("read schema %q: it must lie in a folder named after its provider", name)
		}
		content, err := fs.ReadFile(layer, name)
		if err != nil {
			return fmt.Errorf("read schema %q: %w", name, err)
		}
		files[name] = content
		return nil
	})
}

// newCompiler returns a compiler that knows all files and nothing else.
func newCompiler(files map[string][]byte) (*jsonschema.Compiler, error) {
	compiler := jsonschema.NewCompiler()
	// The default would read any file of this machine that a schema refers to.
	compiler.LoadURL = func(address string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("%s is not among the schemas", address)
	}
	var broken []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := checkJSON(files[name]); err != nil {
			broken = append(broken, fmt.Errorf("read schema %q: %w", name, err))
			continue
		}
		if err := compiler.AddResource(address(name), bytes.NewReader(files[name])); err != nil {
			broken = append(broken, fmt.Errorf("read schema %q: %w", name, err))
		}
	}
	return compiler, errors.Join(broken...)
}

// checkJSON names the line on which a file is no JSON.
func checkJSON(content []byte) error {
	var document any
	err := json.Unmarshal(content, &document)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		before := content[:min(max(syntax.Offset-1, 0), int64(len(content)))]
		return fmt.Errorf("line %d: %w", 1+bytes.Count(before, []byte("\n")), err)
	}
	return err
}

// dependenciesFirst sorts shared files before types, so that a broken one is named itself before all that use it.
func dependenciesFirst(files map[string][]byte) []string {
	return slices.SortedFunc(maps.Keys(files), func(a, b string) int {
		if depth := strings.Count(b, "/") - strings.Count(a, "/"); depth != 0 {
			return depth
		}
		return strings.Compare(a, b)
	})
}

// compile makes a schema of a file, with its examples.
func compile(compiler *jsonschema.Compiler, name string, content []byte) (*schema, error) {
	compiled, err := compiler.Compile(address(name))
	var failed *jsonschema.SchemaError
	if errors.As(err, &failed) {
		return nil, failed.Err // what is around it is the name once more
	}
	if err != nil {
		return nil, err
	}
	parts := map[string]*jsonschema.Schema{}
	gather(compiled, parts)
	// A schema may be true or false instead of an object; then it has no examples.
	var annotations struct{ Examples []json.RawMessage }
	if err := json.Unmarshal(content, &annotations); err != nil {
		annotations.Examples = nil
	}
	return &schema{compiled: compiled, parts: parts, examples: annotations.Examples}, nil
}

// add registers a type. A file in a subfolder is no type; the types that share it have compiled it in.
func (s *Set) add(name string, sch *schema) {
	provider, file, _ := strings.Cut(name, "/")
	if strings.Contains(file, "/") {
		return
	}
	if s.providers[provider] == nil {
		s.providers[provider] = map[string]*schema{}
	}
	s.providers[provider][strings.TrimSuffix(file, ".json")] = sch
}

// address returns the URL of a schema file, whether or not the file names one in $id. Relative references between files
// are resolved against it.
func address(name string) string {
	return "https://sluice.internal" + (&url.URL{Path: "/schemas/" + name}).EscapedPath() // In a fork too, as in the files.
}
