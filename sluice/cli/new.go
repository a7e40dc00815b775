package cli

import (
	"context"
	"path/filepath"

	"sluice.internal/sluice/cli/term"
	"sluice.internal/sluice/scaffold"
)

// newCommand is `sluice new`: it writes a module with handlers of one's own.
type newCommand struct {
	Dir    string `arg:"" name:"dir" help:"Folder to write to, which must be empty or not be there."`
	Module string `placeholder:"NAME" help:"Name of the module (default: example.org/ and the folder's name)."`
	Sluice string `xor:"from" placeholder:"DIR" help:"Checkout of Sluice that it is built from (default: the one that this program or folder is in)."`
	Fork   string `xor:"from" placeholder:"NAME@VERSION" help:"Fork of Sluice that it is built from instead, such as example.org/you/sluice@v0.1.0."`
}

func (newCommand) Help() string {
	return `It has a handler with its schema and test, middleware, programs, a configuration, a Makefile, and a Dockerfile with ` +
		`an override for Compose. Its README says how Sluice's modules are reached: in a checkout, as a copy, as a fork.

Example:

    sluice new ../shop`
}

// Run writes the module and says what to do next.
func (c *newCommand) Run(_ context.Context, s *session) error {
	options := scaffold.Options{Dir: c.Dir, Module: c.Module, Checkout: c.Sluice, Fork: c.Fork}
	if c.Sluice == "" && c.Fork == "" {
		here, err := filepath.Abs(".")
		if err != nil {
			return err
		}
		options.Checkout = scaffold.FindCheckout(filepath.Dir(s.Executable), here)
	}
	written, err := scaffold.Write(options)
	if err != nil {
		return err
	}
	first := "make check      # vets and tests it"
	if c.Fork != "" {
		first = "make tidy       # finds what the fork needs\n    " + first
	}
	return s.out.Line(`%s written to %s. Next:

    cd %s
    %s
    make run        # runs everything in one process
    make send       # in another terminal: sends an example

README.md says what is where.`, term.Counted(len(written), "file"), c.Dir, quoted(c.Dir), first)
}
