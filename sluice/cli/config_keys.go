package cli

import (
	"strings"

	"sluice.internal/shared/config"
	"sluice.internal/sluice/cli/term"
)

// keysCommand is `sluice config keys`. README's and docs' tables are its output, and a test holds them to it.
type keysCommand struct {
	Markdown bool `xor:"form" help:"Print a table in Markdown."`
	JSON     bool `name:"json" xor:"form" help:"Print one JSON object a line."`
}

func (keysCommand) Help() string {
	return `Variables count more than the file, flags more than variables.

Example:

    sluice config keys | grep streams`
}

// Run prints all keys in the order of sluice.yaml.
func (c *keysCommand) Run(s *session) error {
	switch {
	case c.Markdown:
		return markdown(s.out, config.Keys())
	case c.JSON:
		for _, key := range config.Keys() {
			if err := s.out.Object(key); err != nil {
				return err
			}
		}
		return nil
	}
	rows := term.NewTable(s.out, term.Left("KEY"), term.Left("VARIABLE"), term.Left("DEFAULT"), term.Left("MEANING"))
	for _, key := range config.Keys() {
		if err := rows.Add(key.Key, key.Env, key.Default, key.Meaning); err != nil {
			return err
		}
	}
	return rows.End()
}

// markdown writes the table of docs/configuration.md.
func markdown(out *term.Output, keys []config.Key) error {
	_ = out.Line("| key | variable | default | meaning |\n|---|---|---|---|")
	for _, key := range keys {
		_ = out.Line("| %s | %s | %s | %s |", code(key.Key), code(key.Env), code(key.Default),
			strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(key.Meaning))
	}
	return out.Flush() // Which has the error of any line before.
}

// code keeps Markdown from reading anything into a text. Nothing that can be configured has a backtick in it.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}
