package cli

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
)

// configCommand has the commands that look at nothing but the configuration.
type configCommand struct {
	Check   checkCommand   `cmd:"" help:"Name everything that is wrong with the configuration."`
	Show    showCommand    `cmd:"" help:"Print the effective configuration without its secrets."`
	Keys    keysCommand    `cmd:"" help:"Print everything that can be configured."`
	Senders sendersCommand `cmd:"" help:"Print which senders are known, and how each is verified and read."`
	Schema  schemaCommand  `cmd:"" help:"Print the JSON Schema of sluice.yaml, for editors."`

	Allowlist allowlistCommand `cmd:"" help:"Print the addresses that a provider sends from."`
}

func (configCommand) Help() string {
	return "Example:\n\n    sluice config check --config sluice.yaml"
}

// load reads the configuration as a gateway would, faults and warnings included. Tokens may be missing: `sluice up`
// makes them, and nobody can tell here which of the two will start.
func (f configFlag) load(s *session) (*config.Config, error) {
	options := f.options(s)
	options.Providers = source.Known()
	options.AllowMissingTokens, options.Accounts, options.HandlerSecrets = true, true, true
	return config.Load(options)
}

// checkCommand is `sluice config check`, for an editor's hook and for whoever deploys: it finds everything that a start
// would find, without a start.
type checkCommand struct{ configFlag }

func (checkCommand) Help() string {
	return `It looks at the file, the variables over it, and the files that these name, and starts nothing.

Example:

    sluice config check --config /etc/sluice/sluice.yaml`
}

// Run prints all faults, or that there are none. Warnings go to standard error and do not change the exit code.
func (c *checkCommand) Run(s *session) error {
	cfg, err := c.load(s)
	if faults := config.Faults(nil); errors.As(err, &faults) {
		s.diagnostics.Line("%v", faults)
		return errReported
	}
	if err != nil {
		return err
	}
	for _, warning := range append(cfg.Warnings, missingTokens(cfg)...) {
		s.diagnostics.Line("warning: %s", warning)
	}
	return s.out.Line("%s: ok", c.checked(s))
}

// checked names what was checked.
func (c *checkCommand) checked(s *session) string {
	file := cmp.Or(c.options(s).File, config.DefaultFile)
	if _, err := os.Stat(file); err != nil {
		return "defaults and variables, without a file" // One that was asked for and is not there is a fault.
	}
	return file
}

// missingTokens are warnings about sources that only `sluice up` starts with.
func missingTokens(cfg *config.Config) []string {
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		if found := cfg.Sources[name]; found.NeedsSecret() && len(found.Credentials()) == 0 {
			warnings = append(warnings, fmt.Sprintf("sources.%s: has no token; `sluice up` makes one, a gateway "+
				"by itself does not start without", name))
		}
	}
	return warnings
}

// schemaCommand is `sluice config schema`. It reads no configuration, so it works beside one with faults.
type schemaCommand struct{}

func (schemaCommand) Help() string {
	return "Example:\n\n    sluice config schema > sluice.schema.json"
}

// Run prints the schema.
func (schemaCommand) Run(s *session) error {
	schema, err := config.JSONSchema()
	if err != nil {
		return fmt.Errorf("make schema: %w", err)
	}
	return s.out.Line("%s", schema)
}
