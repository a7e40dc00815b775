package up

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
)

// greet prints what a person needs to send a first notification. A token is in it only when it was made at this start
// and a person reads along at a terminal, since it has to be entered at the sender: elsewhere, as in the journal of a
// service, it would be kept for many to read. At any other time the text says where the token is.
func greet(options Options, cfg *config.Config, made map[string]madeToken, url string) {
	g := &greeting{options: options, made: made, url: url, terminal: service.IsTerminal(options.Out)}
	g.line("\nSluice is ready.")
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		configured := cfg.Sources[name]
		if configured.Provider != "green-api" {
			g.source(configured)
			continue
		}
		g.call(configured)
		g.settings(configured)
		g.keptIn(name, "token")
	}
	g.line("\n  See what arrived:         %s", options.call("events"))
	g.line("  and what did not:         %s, %s", options.call("dead"), options.call("rejections"))
	g.line("  and what is still to do:  %s\n", options.call("status"))
	_, _ = io.WriteString(options.Out, g.text.String()) // When it fails, nobody reads it.
}

// greeting is the text of greet.
type greeting struct {
	options  Options
	made     map[string]madeToken
	url      string
	terminal bool
	text     strings.Builder
}

func (g *greeting) line(format string, args ...any) { fmt.Fprintf(&g.text, format+"\n", args...) }

// token is the token to be read by the person, else the placeholder.
func (g *greeting) token(configured config.Source, placeholder string) string {
	if g.terminal && g.made[configured.Name].fresh {
		return configured.Tokens[0].Reveal()
	}
	return placeholder
}

// keptIn says where a token that was made is, and what prints it when the text above did not.
func (g *greeting) keptIn(name, noun string) {
	made, found := g.made[name]
	if !found {
		return
	}
	g.line("\n  The %s of %s is kept in %s", noun, name, made.file)
	if !g.terminal || !made.fresh {
		g.line("  and printed by %s", g.options.call("secrets show --source "+name))
	}
}

// call is a command line of the operator's that finds this process.
func (o Options) call(command string) string {
	if filepath.Clean(o.Data) == "data" {
		return o.Command + " " + command
	}
	return o.Command + " " + command + " --data " + o.Data
}

const exampleCall = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,` +
	`"wid":"71231234567@c.us","typeInstance":"whatsapp"},"timestamp":1749207600,"idMessage":"104179EDB7F53289",` +
	`"from":"79001234500@c.us","status":"offer"}`

// call writes a request to try. A token that is not to be seen is read from its file by the shell.
func (g *greeting) call(configured config.Source) {
	g.line("\n  Send a notification to %s:\n", configured.Name)
	g.line("    curl -i %s%s/ \\", g.url, configured.Path)
	if configured.Auth == config.AuthToken {
		header := "'Authorization: Bearer " + g.token(configured, "YOUR_TOKEN") + "'"
		if made, found := g.made[configured.Name]; found && g.token(configured, "") == "" {
			header = `"Authorization: Bearer $(cat '` + strings.ReplaceAll(made.file, "'", `'\''`) + `')"`
		}
		g.line("      -H %s \\", header)
	}
	g.line("      -H 'Content-Type: application/json' \\\n      -d '%s'", exampleCall)
}

// source says where a sender's notifications go and how to send one as it would. A secret that was made has to be
// entered at the sender; for one in the path, that is a part of the URL.
func (g *greeting) source(configured config.Source) {
	address := g.url + configured.Path + "/"
	secret := g.token(configured, "")
	if configured.Auth == config.AuthPath {
		address += g.token(configured, "YOUR_SECRET")
	}
	name := configured.Name
	if configured.Provider != name {
		name += " (" + configured.Provider + ")"
	}
	g.line("\n  %s listens at %s", name, address)
	if secret != "" && configured.Auth != config.AuthPath {
		g.line("  Its secret, to be entered at the sender: %s", secret)
	}
	if canBePlayed(configured) {
		g.line("  Send as it would:  %s", g.options.call("send --source "+configured.Name+" FILE"))
	}
	g.keptIn(configured.Name, "secret")
}

// canBePlayed reports whether somebody here can send as a source's senders do: not where that takes a private key.
func canBePlayed(configured config.Source) bool {
	made, err := source.ProofFor(source.Providers()[configured.Provider], configured)
	signature, signs := proof.SignatureOf(made)
	return err == nil && made != proof.Certificate() && (!signs || !signature.IsPublic())
}

// settings names the settings as GREEN-API calls them. Source:
// https://green-api.com/en/docs/api/account/SetSettings/
func (g *greeting) settings(configured config.Source) {
	g.line("\n  Settings of the GREEN-API instance (setSettings; it restarts, which takes up to 5 minutes):\n")
	settings := [][2]string{{"webhookUrl", "https://YOUR_HOST" + configured.Path + "/"}}
	if configured.Auth == config.AuthToken {
		settings = append(settings, [2]string{"webhookUrlToken", g.token(configured, "YOUR_TOKEN")})
	}
	for _, name := range []string{
		"incomingWebhook", "outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "stateWebhook",
		"incomingCallWebhook", "outgoingCallWebhook", "pollMessageWebhook", "editedMessageWebhook", "deletedMessageWebhook",
	} {
		settings = append(settings, [2]string{name, "yes"})
	}
	for i, setting := range settings {
		comma := ","
		if i == len(settings)-1 {
			comma = "}"
		}
		open := " "
		if i == 0 {
			open = "{"
		}
		g.line("    %s%q: %q%s", open, setting[0], setting[1], comma)
	}
}
