package cli

import (
	"cmp"
	"strings"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/shared/source/provider"
	"sluice.internal/sluice/cli/term"
)

// sendersCommand is `sluice config senders`. The table of docs/senders.md is its output, and a test holds it to it.
type sendersCommand struct {
	Markdown bool `xor:"form" help:"Print a table in Markdown."`
	JSON     bool `name:"json" xor:"form" help:"Print one JSON object a line."`
}

func (sendersCommand) Help() string {
	return `A place is /type in the body, header:NAME or query:NAME.

Example:

    sluice config senders --json | jq 'select(.name == "telegram")'`
}

// Run prints all providers by name.
func (c *sendersCommand) Run(s *session) error {
	providers := source.Providers()
	rows := term.NewTable(s.out, term.Left("PROVIDER"), term.Left("PROOF"), term.Left("TYPE"), term.Left("ID"), term.Left("ORDER"))
	for _, name := range source.Names() {
		described := providers[name].Describe()
		var err error
		switch {
		case c.JSON:
			err = s.out.Object(described)
		case c.Markdown:
			err = markdownSender(s.out, name == source.Names()[0], described)
		default:
			plain := strings.NewReplacer("`", "")
			err = rows.Add(name, plain.Replace(described.Proof), plain.Replace(described.Type), plain.Replace(described.ID), plain.Replace(described.Order))
		}
		if err != nil {
			return err
		}
	}
	if c.JSON || c.Markdown {
		return s.out.Flush()
	}
	return rows.End()
}

// markdownSender writes a row of the table of docs/senders.md, with the head of the table before the first.
func markdownSender(out *term.Output, first bool, d provider.Description) error {
	if first {
		_ = out.Line("| provider | a request shows | which leaves open | type | id | the same for | order | time of sending | body limit | " +
			"handshake | answer |\n|" + strings.Repeat("---|", 11))
	}
	cells := []string{
		code(d.Name), d.Proof, d.Leaves, d.Type, d.ID, d.Window, d.Order, d.SentAt, config.Size(d.BodyLimit).String(), d.Challenge,
		cmp.Or(d.Answer, "the receipt"),
	}
	for i, cell := range cells {
		cells[i] = strings.NewReplacer("|", `\|`).Replace(cell)
	}
	return out.Line("| %s |", strings.Join(cells, " | "))
}
