package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/service"
	"sluice.internal/sluice/cli/term"
)

const (
	// settleTimeout is how long an instance may take until it has new settings, by the documentation; settlePause how often
	// they are read back.
	settleTimeout = 5 * time.Minute
	settlePause   = 5 * time.Second
	// setAgainAfter is when settings are written once more: about one call in a hundred has no effect.
	setAgainAfter = time.Minute
)

// greenAPISettingsCommand is `sluice green-api settings`: it shows settings, and with --webhook, --poll or --set changes
// those of one instance.
type greenAPISettingsCommand struct {
	Webhook   string            `placeholder:"URL" xor:"way" help:"Have notifications posted to this address, and switch them on."`
	Poll      bool              `xor:"way" help:"Have notifications kept for who asks, and switch them on."`
	TokenFile string            `placeholder:"FILE" help:"With --webhook: file with the token that GREEN-API sends (default: the source's)."`
	Kinds     string            `default:"all" enum:"all,messages,incoming" help:"What --webhook and --poll switch on: all kinds that the instance knows, those of messages, or incoming messages alone (default: ${default})."`
	Set       map[string]string `placeholder:"NAME=VALUE" help:"Change another setting as well."`
	Yes       bool              `help:"Do it. Without it, only show what would change."`
	instanceFlags
}

func (greenAPISettingsCommand) Help() string {
	return `Changed settings make the instance restart, which takes up to five minutes; they are read back until they hold.

Example:

    sluice green-api settings
    sluice green-api settings 1101000001 --webhook https://HOST/green-api/webhook/`
}

// Validate refuses what can't be meant.
func (c *greenAPISettingsCommand) Validate() error {
	if !c.changes() {
		if c.TokenFile != "" || c.Yes {
			return errors.New("--token-file and --yes need --webhook, --poll or --set")
		}
		return nil
	}
	if len(c.Instances) != 1 {
		return errors.New("settings are changed of one instance at a time: name it")
	}
	if parsed, err := url.Parse(c.Webhook); c.Webhook != "" && (err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https") {
		return fmt.Errorf("--webhook %q is not an address; write for example https://HOST/green-api/webhook/", c.Webhook)
	}
	return nil
}

func (c *greenAPISettingsCommand) changes() bool { return c.Webhook != "" || c.Poll || len(c.Set) > 0 }

// Run shows the settings or changes them.
func (c *greenAPISettingsCommand) Run(ctx context.Context, s *session) error {
	accounts, cfg, err := c.accounts(s)
	if err != nil {
		return err
	}
	if c.changes() {
		return c.change(ctx, s, accounts[0], cfg)
	}
	var failures []error
	for _, one := range accounts {
		settings, err := paced(ctx, one.Settings)
		if err != nil {
			failures = append(failures, one.explain(err))
			continue
		}
		failures = append(failures, c.show(s, one, settings))
	}
	return errors.Join(failures...)
}

// show prints the settings of one instance.
func (c *greenAPISettingsCommand) show(s *session, one account, settings greenapi.Settings) error {
	names := slices.Sorted(maps.Keys(settings))
	if c.JSON {
		document := map[string]any{}
		for _, name := range names {
			document[name] = settings[name]
			if isSecretSetting(name) {
				document[name] = masked(settings.Text(name))
			}
		}
		_ = s.out.Object(map[string]any{"instance": one.ID, "settings": document}) // The error comes with the flush.
		return s.out.Flush()
	}
	rows := term.NewTable(s.out, term.Left("INSTANCE"), term.Left("SETTING"), term.Left("VALUE"))
	for _, name := range names {
		value := cmp.Or(settings.Text(name), strings.Trim(string(settings[name]), `"`))
		if isSecretSetting(name) {
			value = masked(value)
		}
		_ = rows.Add(one.ID, name, value)
	}
	return errors.Join(rows.End(), s.out.Flush())
}

// masked shows of a secret whether there is one.
func masked(secret string) string {
	if secret == "" {
		return ""
	}
	return "(set)"
}

// wanted returns the settings as they are to be.
func (c *greenAPISettingsCommand) wanted(s *session, present greenapi.Settings, cfg *config.Config) (map[string]string, error) {
	wanted := maps.Clone(c.Set)
	if wanted == nil {
		wanted = map[string]string{}
	}
	if c.Webhook == "" && !c.Poll {
		return wanted, nil
	}
	wanted[greenapi.WebhookURL], wanted[greenapi.WebhookURLToken] = c.Webhook, ""
	if c.Webhook != "" {
		token, err := c.token(s, cfg)
		if err != nil {
			return nil, err
		}
		wanted[greenapi.WebhookURLToken] = token
	}
	for _, kind := range c.kinds(present) {
		if _, chosen := c.Set[kind]; !chosen {
			wanted[kind] = greenapi.On
		}
	}
	return wanted, nil
}

// kinds returns the kinds of notifications to switch on. Those that a setting of the instance has are all that there are, so
// that new ones are among them.
func (c *greenAPISettingsCommand) kinds(present greenapi.Settings) []string {
	chosen := map[string][]string{
		"incoming": {"incomingWebhook", "editedMessageWebhook", "deletedMessageWebhook"},
		"messages": {
			"incomingWebhook", "outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "pollMessageWebhook",
			"editedMessageWebhook", "deletedMessageWebhook",
		},
	}[c.Kinds]
	return slices.DeleteFunc(present.Kinds(), func(kind string) bool { return c.Kinds != "all" && !slices.Contains(chosen, kind) })
}

// token is the one that GREEN-API is to send: that of the file, else the source's, else the data folder's.
func (c *greenAPISettingsCommand) token(s *session, cfg *config.Config) (string, error) {
	from := cfg.Sources[c.Source]
	switch {
	case c.TokenFile != "":
		return readToken(s, c.TokenFile)
	case !from.NeedsSecret():
		return "", nil
	case len(from.Credentials()) > 0:
		return from.Credentials()[0].Secret.Reveal(), nil
	}
	description, _, err := readDescription(s, "", "--token-file FILE")
	if err != nil {
		return "", err
	}
	return description.Token(c.Source)
}

// change shows what would change, and changes it.
func (c *greenAPISettingsCommand) change(ctx context.Context, s *session, one account, cfg *config.Config) error {
	present, err := paced(ctx, one.Settings)
	if err != nil {
		return one.explain(err)
	}
	wanted, err := c.wanted(s, present, cfg)
	if err != nil {
		return err
	}
	different := differing(present, wanted)
	if len(different) == 0 {
		return s.out.Line("instance %s has these settings already", one.ID)
	}
	rows := term.NewTable(s.out, term.Left("SETTING"), term.Left("IS"), term.Left("WILL BE"))
	for _, name := range different {
		is, willBe := present.Text(name), wanted[name]
		if isSecretSetting(name) {
			is, willBe = masked(is), masked(willBe)
		}
		_ = rows.Add(name, is, willBe)
	}
	if err := errors.Join(rows.End(), s.out.Flush()); err != nil {
		return err
	}
	if !c.Yes {
		return fmt.Errorf("instance %s not changed; --yes would change it, and it restarts then, which takes up to five minutes", one.ID)
	}
	return c.write(ctx, s, one, wanted, different)
}

// differing returns the names of the settings that are not as wanted. A token is the same with and without the word in front
// that GREEN-API may put there.
func differing(present greenapi.Settings, wanted map[string]string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		is := present.Text(name)
		if is != wanted[name] && (!isSecretSetting(name) || strings.TrimPrefix(is, "Bearer ") != wanted[name]) {
			names = append(names, name)
		}
	}
	return names
}

// write changes the settings that differ and reads them back until they hold. While the instance restarts it may not answer.
func (c *greenAPISettingsCommand) write(ctx context.Context, s *session, one account, wanted map[string]string, different []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTimeout, errors.New("no longer waited for"))
	defer cancel()
	var failure error
	written := time.Time{}
	for first := true; len(different) > 0; first = false {
		if time.Since(written) >= setAgainAfter {
			changes := map[string]string{}
			for _, name := range different {
				changes[name] = wanted[name]
			}
			written = time.Now()
			_, err := paced(ctx, func(ctx context.Context) (any, error) { return nil, one.SetSettings(ctx, changes) })
			if err != nil && first {
				return one.explain(err)
			}
		}
		pause := settlePause
		if first {
			pause = apiPace
		}
		if service.Sleep(ctx, pause) != nil {
			return fmt.Errorf("instance %s does not have %s after %s (%w): see GREEN-API's console, and try again",
				one.ID, strings.Join(different, ", "), settleTimeout, cmp.Or(failure, context.Cause(ctx)))
		}
		present, err := paced(ctx, one.Settings)
		if failure = err; err == nil {
			different = differing(present, wanted)
		}
	}
	return s.out.Line("instance %s has these settings now", one.ID)
}
