package up

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sluice.internal/shared/config"
)

// greet prints what a person needs to send a first notification. Tokens that were made here are shown, since
// whoever reads this has to enter them at the sender; configured ones are not.
func greet(options Options, cfg *config.Config, made map[string]string, url string) {
	var text strings.Builder
	text.WriteString("\nSluice is ready.\n")
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		configured := cfg.Sources[name]
		token := "YOUR_TOKEN"
		if made[name] != "" {
			token = configured.Tokens[0].Reveal()
		}
		if configured.Provider != "green-api" {
			writeSend(&text, options, configured, made[name], url)
			continue
		}
		writeCurl(&text, configured, token, url)
		writeSetSettings(&text, configured, token)
		if made[name] != "" {
			fmt.Fprintf(&text, "\n  The token of %s is kept in %s\n", name, made[name])
		}
	}
	fmt.Fprintf(&text, "\n  See what arrived:         %s\n", options.call("events"))
	fmt.Fprintf(&text, "  and what did not:         %s, %s\n", options.call("dead"), options.call("rejections"))
	fmt.Fprintf(&text, "  and what is still to do:  %s\n\n", options.call("status"))
	_, _ = io.WriteString(options.Out, text.String()) // Nobody reads it then.
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

func writeCurl(text *strings.Builder, configured config.Source, token, url string) {
	fmt.Fprintf(text, "\n  Send a notification to %s:\n\n", configured.Name)
	fmt.Fprintf(text, "    curl -i %s%s/ \\\n", url, configured.Path)
	if configured.Auth == config.AuthToken {
		fmt.Fprintf(text, "      -H 'Authorization: Bearer %s' \\\n", token)
	}
	fmt.Fprintf(text, "      -H 'Content-Type: application/json' \\\n      -d '%s'\n", exampleCall)
}

// writeSend says where a sender's notifications go and how to send one as it would. A secret that was made here has to
// be entered at the sender; for one in the path, that is a part of the URL.
func writeSend(text *strings.Builder, options Options, configured config.Source, made, url string) {
	address, secret := url+configured.Path+"/", ""
	if made != "" {
		secret = configured.Tokens[0].Reveal()
	}
	if configured.Auth == config.AuthPath {
		if secret == "" {
			secret = "YOUR_SECRET"
		}
		address += secret
	}
	fmt.Fprintf(text, "\n  %s (%s) listens at %s\n", configured.Name, configured.Provider, address)
	if made != "" {
		if configured.Auth != config.AuthPath {
			fmt.Fprintf(text, "  Its secret, to be entered at the sender: %s\n", secret)
		}
		fmt.Fprintf(text, "  The secret is kept in %s\n", made)
	}
	fmt.Fprintf(text, "  Send as it would:  %s\n", options.call("send --source "+configured.Name+" FILE"))
}

// writeSetSettings names the settings as GREEN-API calls them. Source:
// https://green-api.com/en/docs/api/account/SetSettings/
func writeSetSettings(text *strings.Builder, configured config.Source, token string) {
	fmt.Fprintf(text, "\n  Settings of the GREEN-API instance (setSettings; it restarts, which takes up to 5 minutes):\n\n")
	settings := [][2]string{{"webhookUrl", "https://YOUR_HOST" + configured.Path + "/"}}
	if configured.Auth == config.AuthToken {
		settings = append(settings, [2]string{"webhookUrlToken", token})
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
		fmt.Fprintf(text, "    %s%q: %q%s\n", open, setting[0], setting[1], comma)
	}
}
