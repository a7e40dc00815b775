package cli

import (
	"strings"

	"sluice.internal/shared/config"
)

type keysCommand struct {
	Markdown bool `xor:"form" help:"Print a table in Markdown."`
	JSON     bool `name:"json" xor:"form" help:"Print one JSON object a line."`
}

func (keysCommand) Help() string {
	return `Variables count more than the file, flags more than variables.

Example:

    sluice config keys | grep streams`
}

// Run prints all knobs in the order of sluice.yaml.
func (c *keysCommand) Run(s *session) error {
	switch {
	case c.Markdown:
		return markdown(s.out, config.Keys())
	case c.JSON:
		for _, key := range config.Keys() {
			if err := s.out.object(key); err != nil {
				return err
			}
		}
		return nil
	}
	rows := newTable(s.out, column{name: "KEY"}, column{name: "VARIABLE"}, column{name: "DEFAULT"}, column{name: "MEANING"})
	for _, key := range config.Keys() {
		if err := rows.add(key.Key, key.Env, key.Default, key.Meaning); err != nil {
			return err
		}
	}
	return rows.end()
}

func markdown(out *output, keys []config.Key) error {
	_ = out.line("| key | variable | default | meaning |\n|---|---|---|---|")
	for _, key := range keys {
		_ = out.line("| %s | %s | %s | %s |", code(key.Key), code(key.Env), code(key.Default),
			strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(key.Meaning))
	}
	return out.flush() // Which has the error of any line before.
}

// code keeps Markdown from reading anything into a text. Nothing that can be configured has a backtick in it.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}
