// Package scaffold writes a module with handlers of one's own: the one that `sluice new` makes.
//
// The folder module has its files, as templates that are delimited by << and >>. A file's name is that of its template without
// ".tmpl"; "dot-" stands for a dot in front.
package scaffold

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed module
var templates embed.FS

// home is what the names of Sluice's modules begin with. `make module-path` changes it here as well.
const home = "sluice.internal"

// Modules are those of Sluice that a module with handlers of its own is built from.
func Modules() []string {
	return []string{"gateway", "receiver", "schemas", "shared", "sluice", "worker", "worker/postgres"}
}

// direct are those of them that the files of the module import.
func direct() []string { return []string{"schemas", "sluice", "worker"} }

// Options say what to write.
type Options struct {
	// Dir is where; it must be empty, or not be there.
	Dir string
	// Module is the name of the module, such as "example.org/shop"; empty means example.org and the name of the folder.
	Module string
	// Checkout is the folder with Sluice's modules, for a module that is built from these. Fork is the name and the version of a
	// fork, as example.org/you/sluice@v0.1.0, for one that is built from that. One of them is needed.
	Checkout, Fork string
}

// module is one that go.mod names.
type module struct {
	Path, Version, Folder string
}

// data is what templates are filled with.
type data struct {
	Name, Title, Module, Go string
	Sluice, Here, Where     string
	Checkout                bool
	Own, Direct, Indirect   []module
}

// validName is what a module's last part is called, since it is the name of a program and of a section of the settings.
var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Write writes the module, and returns the files that it wrote, in the folder's order. It writes nothing when there is something
// wrong with the options, and never over what is there.
func Write(options Options) (written []string, err error) {
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("find %q: %w", options.Dir, err)
	}
	if err := checkEmpty(dir); err != nil {
		return nil, err
	}
	filled, sums, err := options.data(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	if len(sums) > 0 {
		files["go.sum"] = sums
	}
	if err := fill(files, filled); err != nil {
		return nil, err
	}
	for name := range files {
		written = append(written, name)
	}
	slices.Sort(written)
	for _, name := range written {
		if err := write(filepath.Join(dir, filepath.FromSlash(name)), files[name]); err != nil {
			return nil, fmt.Errorf("write the module: %w", err)
		}
	}
	return written, nil
}

func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look into the folder: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("%q is not empty (it has %q); name a folder that is empty or is not there", dir, entries[0].Name())
	}
	return nil
}

func (o Options) data(dir string) (filled data, sums []byte, err error) {
	filled = data{Module: cmp.Or(o.Module, "example.org/"+filepath.Base(dir)), Sluice: home, Here: dir}
	filled.Name = path.Base(filled.Module)
	if !validName.MatchString(filled.Name) {
		return filled, nil, fmt.Errorf("%q is no name for a program: it begins with a letter and has small letters, digits and "+
			"hyphens; choose another one with --module, such as example.org/shop", filled.Name)
	}
	filled.Title = strings.ToUpper(filled.Name[:1]) + filled.Name[1:]
	if o.Fork != "" {
		return filled, nil, filled.fromFork(o.Fork)
	}
	sums, err = filled.fromCheckout(o.Checkout, dir)
	return filled, sums, err
}

// fromFork names the modules of a fork. What else they need is for `go mod tidy` to find.
func (d *data) fromFork(fork string) error {
	name, version, ok := strings.Cut(fork, "@")
	if !ok || !strings.Contains(name, ".") || !strings.HasPrefix(version, "v") {
		return fmt.Errorf("%q is no fork; write its name and a version, such as example.org/you/sluice@v0.1.0", fork)
	}
	d.Sluice, d.Where, d.Go = name, "https://"+name, goVersion
	for _, one := range Modules() {
		d.add(module{Path: name + "/" + one, Version: version}, one)
	}
	return nil
}

// goVersion is that of a module that is built from a fork; `go mod tidy` raises it where that asks for more.
const goVersion = "1.26.0"

// fromCheckout says where the modules are, and takes from them what else they need, so that nothing has to be looked for.
func (d *data) fromCheckout(checkout, dir string) (sums []byte, err error) {
	read := readCheckout(checkout)
	if read.err != nil {
		return nil, read.err
	}
	where := relative(dir, checkout)
	d.Checkout, d.Where, d.Here, d.Go = true, where, relative(checkout, dir), read.goVersion
	for _, one := range Modules() {
		d.add(module{Path: home + "/" + one, Version: "v0.0.0", Folder: where + "/" + one}, one)
	}
	d.Indirect = append(read.requires, d.Indirect...)
	return read.sums, nil
}

// add adds a module of Sluice.
func (d *data) add(one module, name string) {
	d.Own = append(d.Own, one)
	if slices.Contains(direct(), name) {
		d.Direct = append(d.Direct, one)
		return
	}
	d.Indirect = append(d.Indirect, one)
}

// relative returns the way from a folder to another one, with slashes and a dot in front, as go.mod wants it.
// Where there is none, as between two drives, it is the whole path.
func relative(from, to string) string {
	from, to = resolved(from), resolved(to)
	way, err := filepath.Rel(from, to)
	if err != nil {
		return filepath.ToSlash(to)
	}
	way = filepath.ToSlash(way)
	if !strings.HasPrefix(way, ".") {
		way = "./" + way
	}
	return way
}

// resolved follows symbolic links as far as the folder is there, since Go does when it reads go.mod.
func resolved(folder string) string {
	if target, err := filepath.EvalSymlinks(folder); err == nil {
		return target
	}
	parent := filepath.Dir(folder)
	if parent == folder {
		return folder
	}
	return filepath.Join(resolved(parent), filepath.Base(folder))
}

// fill fills all templates.
func fill(files map[string][]byte, filled data) error {
	return fs.WalkDir(templates, "module", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := templates.ReadFile(name)
		if err != nil {
			return err
		}
		parsed, err := template.New(name).Delims("<<", ">>").Parse(string(text))
		if err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		var made bytes.Buffer
		if err := parsed.Execute(&made, filled); err != nil {
			return fmt.Errorf("fill template: %w", err)
		}
		name = strings.TrimSuffix(strings.TrimPrefix(name, "module/"), ".tmpl")
		files[strings.Replace(name, "dot-", ".", 1)] = made.Bytes()
		return nil
	})
}

// write makes a file, and never takes the place of one.
func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // As any source code.
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // As any source code.
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}
