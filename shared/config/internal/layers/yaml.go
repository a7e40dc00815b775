package layers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// FromFile reads the layer of the file, nil when there is none.
//
// It walks the nodes itself instead of decoding them: nodes know their lines, and their texts are as written,
// while a decoder would take a token of digits for a number and give it back changed.
func (l *Loader) FromFile() Layer {
	path := cmp.Or(l.File, l.UsualFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && l.File == "" {
		return nil
	}
	r := &reader{Loader: l, path: path}
	if err != nil {
		r.abandon(0, Unreadable(err))
		return nil
	}
	if err := checkFound(path); err != nil && l.File == "" {
		r.abandon(0, err.Error()+"; name it with --config or SLUICE_CONFIG if you trust it")
		return nil
	}
	root := r.parse(text)
	if root == nil || isNull(root) {
		return nil
	}
	values := Layer{}
	r.section(root, l.Table, "", values)
	return values
}

// reader turns the nodes of one file into settings.
type reader struct {
	*Loader
	path string
}

func (r *reader) place(node *yaml.Node) Place {
	return Place{File: r.path, Line: node.Line}
}

// abandon reports a fault after which what the file says is not known.
func (r *reader) abandon(line int, message string) {
	r.Broken = true
	r.Fault(Place{File: r.path, Line: line}, "", "%s", message)
}

// parse returns the file's one document; nil when it has none or can't be read.
func (r *reader) parse(text []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		r.syntax(text, err)
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		r.abandon(second.Line, "a second document starts here; write everything in one")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(text, err)
	}
	return document.Content[0]
}

// fromParser are messages of the parser proper, which counts lines from 0; fromReader those of what decodes
// characters, which counts none. The scanner between them counts from 1, and leaves the first line out.
var (
	fromParser = regexp.MustCompile(`^did not find expected ('|<|key|node)`)
	fromReader = regexp.MustCompile(`^(control|incomplete|invalid|unexpected|input)`)
	noAnchor   = regexp.MustCompile(`^unknown anchor '(.*)'`)
)

// syntax reports an error of the parser, which says "yaml: line 3: …" or "yaml: …".
func (r *reader) syntax(text []byte, err error) {
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if n, _ := fmt.Sscanf(message, "line %d:", &line); n == 1 {
		_, message, _ = strings.Cut(message, ": ")
	}
	switch anchor := noAnchor.FindStringSubmatch(message); {
	case anchor != nil:
		// The name is not repeated, as it may be a password that was meant literally.
		line = lineOf(text, bytes.Index(text, []byte("*"+anchor[1])))
		message = "no such anchor; put a value that starts with * in quotes"
	case fromParser.MatchString(message):
		line = min(line+1, lineOf(text, len(text)-1))
	case !fromReader.MatchString(message):
		line = max(line, 1)
	}
	if at := lineWithTab(text); at > 0 {
		message += fmt.Sprintf("; line %d is indented with a tab, where YAML wants spaces", at)
	}
	r.abandon(line, message)
}

func lineOf(text []byte, offset int) int {
	return 1 + bytes.Count(text[:max(0, offset)], []byte("\n"))
}

// lineWithTab returns the first line that is indented with a tab, 0 when there is none. The parser has no clear words
// for it.
func lineWithTab(text []byte) int {
	found := regexp.MustCompile(`(?m)^ *\t[ \t]*[^\s#]`).FindIndex(text)
	if found == nil {
		return 0
	}
	return lineOf(text, found[0])
}

// section reads a mapping with keys in it into the layer. Its key is empty for the whole document.
func (r *reader) section(node *yaml.Node, k *Row, key string, values Layer) {
	at, node := r.place(node), resolved(node)
	if node.Kind != yaml.MappingNode {
		r.Broken = r.Broken || key == ""
		r.Fault(at, key, "must be a mapping of keys to values")
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		inner := strings.TrimPrefix(key+"."+resolved(name).Value, ".")
		if first := lines[inner]; first > 0 {
			r.Fault(r.place(name), inner, "is set already on line %d", first)
			continue
		}
		lines[inner] = name.Line
		if child := r.child(k, name, inner); child != nil {
			r.value(name, value, child, inner, values)
		}
	}
}

// child finds a key in the table, or reports that there is none.
func (r *reader) child(k *Row, node *yaml.Node, key string) *Row {
	at, name := r.place(node), resolved(node)
	child := k.child(name.Value)
	switch {
	case name.Kind != yaml.ScalarNode:
		r.Fault(at, key, "a key must be text")
	case name.Tag == "!!merge":
		r.Fault(at, key, "merge keys are not read; write the keys out")
	case child == nil:
		r.Fault(at, key, "unknown key%s", Hint(name.Value, k.names()))
	default:
		return child
	}
	return nil
}

// value reads one key's value into the layer. A value of null is as good as none.
func (r *reader) value(name, value *yaml.Node, k *Row, key string, values Layer) {
	if k.isNamed() && !r.name(name, k, key) {
		values = Layer{} // read for its faults alone: with a dot in its name it would pass for another
	}
	switch {
	case isNull(value):
	case k.Open:
		r.keepOpen(value, key)
	case k.repeated:
		r.sections(value, k, key, values)
	case len(k.children) > 0:
		r.section(value, k, key, values)
	case k.isList():
		r.list(value, key, values)
	default:
		if text, ok := r.text(value, key); ok {
			values[key] = Setting{Text: text, Place: r.place(value)}
			if k.Tag("variable") != "" {
				r.Variables = append(slices.Clip(r.Variables), text)
			}
		}
	}
}

// name notes where a section with a name of its own is. It reports whether it can be called so.
func (r *reader) name(node *yaml.Node, k *Row, key string) bool {
	name, at := resolved(node).Value, r.place(node)
	form := k.form
	if form.Outside {
		r.Outer[name] = at
	}
	if !form.Pattern.MatchString(name) {
		r.Fault(at, key, "%s", form.Fault)
		return false
	}
	if !form.Outside {
		r.NamedAt[key] = at
	}
	return true
}

// keepOpen keeps a section whose keys others know, and checks how its own sections are called.
func (r *reader) keepOpen(node *yaml.Node, key string) {
	at, node := r.place(node), resolved(node)
	if node.Kind != yaml.MappingNode {
		r.Fault(at, key, "must be a mapping of sections, each with keys of its own")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := resolved(node.Content[i])
		inner := key + "." + name.Value
		switch {
		case name.Kind != yaml.ScalarNode || !sectionName.MatchString(name.Value):
			r.Fault(r.place(node.Content[i]), inner, "a section is called by a letter and then lower-case letters, digits and dashes, at most 32")
		case seen[inner] > 0:
			r.Fault(r.place(node.Content[i]), inner, "is set already on line %d", seen[inner])
		}
		seen[inner] = node.Content[i].Line
	}
	r.opened[key] = node
}

// sections reads a list of mappings with keys in them into the layer.
func (r *reader) sections(node *yaml.Node, k *Row, key string, values Layer) {
	at, node := r.place(node), resolved(node)
	if node.Kind != yaml.SequenceNode {
		r.Fault(at, key, "must be a list of mappings, each with a - in front")
		return
	}
	for i, item := range node.Content {
		inner := key + itemAt(i)
		r.SectionsAt[key] = append(r.SectionsAt[key], r.place(item))
		r.section(item, k, inner, values)
	}
}

func (r *reader) list(node *yaml.Node, key string, values Layer) {
	list := Setting{Place: r.place(node), items: []Setting{}}
	node = resolved(node)
	if node.Kind != yaml.SequenceNode {
		r.Fault(list.Place, key, "must be a list, also for a single value: [value]")
		return
	}
	for _, item := range node.Content {
		if text, ok := r.text(item, key); ok {
			list.items = append(list.items, Setting{Text: text, Place: r.place(item)})
		}
	}
	values[key] = list
}

// text returns a scalar as it was written. Its fault does not repeat it, as it may be a secret.
func (r *reader) text(node *yaml.Node, key string) (string, bool) {
	at := r.place(node)
	node = resolved(node)
	switch {
	case node.Kind != yaml.ScalarNode:
		r.Fault(at, key, "must be a single value")
	case node.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(node.Tag, "!!"):
		r.Fault(at, key, "tags are not read; put a value that starts with ! in quotes")
	case isNull(node):
		return "", true
	default:
		return node.Value, true
	}
	return "", false
}

// resolved follows an alias to what it stands for.
func resolved(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool {
	return resolved(node).Tag == "!!null"
}
