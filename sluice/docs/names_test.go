package docs_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

var testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]+\b`)

func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	tests := contents(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	for _, document := range documents(t) {
		for _, name := range testName.FindAllString(document.text, -1) {
			if !strings.Contains(tests, "\nfunc "+name+"(") {
				t.Errorf("%s: there is no test %s", document.name, name)
			}
		}
	}
}

// contents returns the content of all files that are wanted, one after the other.
func contents(t *testing.T, wanted func(name string) bool) string {
	t.Helper()
	var all strings.Builder
	for _, name := range projectFiles(t) {
		if wanted(name) {
			all.WriteString(read(t, name) + "\n")
		}
	}
	return all.String()
}

var (
	fileName = regexp.MustCompile(`^[\w.*-]+(?:/[\w.*-]+)*/?$`)
	kept     = regexp.MustCompile(`\.(?:go|md|ya?ml|conf|sh|mod|env|service|Dockerfile)$`)
)

// operators are the files that an operator writes or has made by a command.
func operators() []string {
	return []string{
		"sluice.yaml", ".env", "routes.conf", "nginx/allowlist/green-api.conf", "secrets/nats/keys.conf", "DIR/nats/routes.conf",
	}
}

func TestNamedFilesExist(t *testing.T) {
	t.Parallel()
	files := projectFiles(t)
	for _, document := range documents(t) {
		for _, match := range recipe.FindAllStringSubmatch(document.text, -1) {
			files = append(files, match[1]) // It is what the reader makes.
		}
	}
	for _, document := range documents(t) {
		names := document.spans()
		for _, block := range document.blocks("sh") {
			names = append(names, strings.Fields(withoutComments(block))...)
		}
		for _, name := range names {
			if name = strings.TrimPrefix(name, "./"); isFile(name, files) && !exists(name, document, files) {
				t.Errorf("%s: there is no %s", document.name, name)
			}
		}
	}
}

// isFile reports whether a name looks like that of a file of the project: it begins with a folder of the project, or
// ends as its files do.
func isFile(name string, files []string) bool {
	if !fileName.MatchString(name) || slices.Contains(operators(), name) {
		return false
	}
	folder, _, nested := strings.Cut(name, "/")
	inProject := nested && slices.ContainsFunc(files, func(file string) bool { return strings.HasPrefix(file, folder+"/") })
	return inProject || kept.MatchString(name)
}

// exists reports whether there is a file or a folder of that name, seen from the root, from the document, or, for a
// name without a folder, anywhere. A star stands for any part of a name.
func exists(name string, document document, files []string) bool {
	name = strings.TrimSuffix(name, "/")
	return slices.ContainsFunc(files, func(file string) bool {
		for _, candidate := range []string{name, path.Join(path.Dir(document.name), name)} {
			if matched, _ := path.Match(candidate, file); matched || strings.HasPrefix(file, candidate+"/") {
				return true
			}
		}
		return !strings.Contains(name, "/") && path.Base(file) == name
	})
}

var makeTarget = regexp.MustCompile(`(?m)(?:^|&& )make ([a-z0-9-]+)`)

func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	// The second is that of modules that `sluice new` writes.
	makefile := read(t, "Makefile") + "\n" + read(t, "sluice/scaffold/module/Makefile.tmpl")
	for _, document := range documents(t) {
		code := strings.Join(append(document.spans(), document.blocks("sh")...), "\n")
		for _, target := range makeTarget.FindAllStringSubmatch(code, -1) {
			if !strings.Contains(makefile, "\n"+target[1]+":") {
				t.Errorf("%s: there is no make %s", document.name, target[1])
			}
		}
	}
}

var (
	keyName      = regexp.MustCompile(`^([a-z]+(?:_[a-z]+)*(?:\.[a-z]+(?:_[a-z]+)*)+)(?:: .*)?$`)
	snakeCase    = regexp.MustCompile(`^[a-z0-9]+(?:_[a-z0-9]+)+$`)
	variableName = regexp.MustCompile(`\bSLUICE_[A-Z][A-Z_]*[A-Z]\b`)
)

// A dotted name that begins as a section of sluice.yaml does is a key. A word with underscores is the last part of a
// key, or else a word that the programs have as it is: a code, a field, a directive of nginx or NATS.
func TestKeysAreConfigured(t *testing.T) {
	t.Parallel()
	keys := config.Keys()
	words := contents(t, func(name string) bool {
		return !strings.HasSuffix(name, ".md") && !strings.HasPrefix(name, "sluice/docs/")
	})
	for _, document := range documents(t) {
		for _, span := range document.spans() {
			if match := keyName.FindStringSubmatch(span); match != nil && isSection(match[1], keys) && !isKey(match[1], keys) {
				t.Errorf("%s: %s is no key of the configuration", document.name, match[1])
			}
			if snakeCase.MatchString(span) && !isKey(span, keys) && !strings.Contains(words, span) {
				t.Errorf("%s: nothing is called %s", document.name, span)
			}
		}
	}
}

// isSection reports whether the first part of a name is a section of the configuration, and the name no file's.
func isSection(name string, keys []config.Key) bool {
	section, _, _ := strings.Cut(name, ".")
	return !kept.MatchString(name) && slices.ContainsFunc(keys, func(key config.Key) bool {
		return strings.HasPrefix(key.Key, section+".")
	})
}

// isKey reports whether a name is a key, a section of keys, or the last parts of a key.
func isKey(name string, keys []config.Key) bool {
	return slices.ContainsFunc(keys, func(key config.Key) bool {
		return key.Key == name || strings.HasPrefix(key.Key, name+".") || strings.HasSuffix(key.Key, "."+name)
	})
}

// chosenName stands for a part of a variable's name that somebody chooses.
var chosenName = regexp.MustCompile("<[A-Z]+>")

// A variable sets a key, or it is one that a file of the project reads: docker-compose.yml, a configuration of NATS.
func TestVariablesAreRead(t *testing.T) {
	t.Parallel()
	files := contents(t, func(name string) bool {
		return !strings.HasSuffix(name, ".md") && !strings.HasPrefix(name, "sluice/docs/")
	})
	var patterns []string
	for _, key := range config.Keys() {
		if key.Env != "" {
			patterns = append(patterns, chosenName.ReplaceAllString(regexp.QuoteMeta(key.Env), "[A-Z_]+"))
		}
	}
	sets := regexp.MustCompile("^(?:" + strings.Join(patterns, "|") + ")$")
	for _, document := range documents(t) {
		for _, name := range variableName.FindAllString(document.text, -1) {
			if !sets.MatchString(name) && !strings.Contains(files, name) {
				t.Errorf("%s: nothing reads %s", document.name, name)
			}
		}
	}
}
