package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"sluice.internal/shared/source"
	"sluice.internal/sluice/credentials"
)

// secretsCommand has the commands for what the parts of a deployment log in with.
type secretsCommand struct {
	Make   makeSecretsCommand `cmd:"" help:"Make tokens for senders and keys for each role at NATS, where there are none."`
	Show   showSecretsCommand `cmd:"" help:"Show a source's newest token, in a call to try it."`
	Add    addTokenCommand    `cmd:"" help:"Add a token to those of a source; the others stay valid."`
	Retire retireCommand      `cmd:"" help:"Remove all tokens of a source but the newest."`
}

func (secretsCommand) Help() string {
	return "Example:\n\n    sluice secrets make ./secrets"
}

// secretsFlags say where the secrets lie and whose they are.
type secretsFlags struct {
	Dir   string `arg:"" placeholder:"DIR" help:"Folder with a folder for each role."`
	Owner int    `default:"-1" placeholder:"ID" help:"User and group whose processes read them; default: who runs this."`
}

func (f secretsFlags) folder() credentials.Folder {
	return credentials.Folder{Dir: f.Dir, Own: f.own}
}

func (f secretsFlags) own(path string) error {
	if f.Owner < 0 {
		return nil
	}
	return os.Chown(path, f.Owner, f.Owner)
}

type makeSecretsCommand struct {
	secretsFlags

	Source []string `default:"green-api" help:"Sources that get a token."`
	Own    []string `placeholder:"DIR" help:"More folders to hand to the owner, such as those for data."`
}

func (makeSecretsCommand) Help() string {
	return `It makes DIR/ROLE/nats.seed for every role, DIR/gateway/SOURCE.token for every source, and DIR/nats/keys.conf, ` +
		`which is for the configuration of NATS and holds no secret. What is there stays as it is.

Example:

    sluice secrets make ./secrets --source green-api`
}

// Run makes what is missing and names it.
func (c *makeSecretsCommand) Run(s *session) error {
	for _, dir := range c.Own {
		if err := c.own(dir); err != nil {
			return fmt.Errorf("hand over folder: %w", err)
		}
	}
	made, err := c.folder().Make(c.Source...)
	for _, file := range made {
		_ = s.out.line("made %s", file) // The error comes with the last line.
	}
	if err != nil {
		return err
	}
	return s.out.line("%s is complete; for a call to try it: sluice secrets show %s", c.Dir, c.Dir)
}

type showSecretsCommand struct {
	secretsFlags

	Source string `default:"green-api" help:"The source."`
	URL    string `name:"url" default:"http://127.0.0.1:8080" help:"Where senders reach the gateway."`
}

func (showSecretsCommand) Help() string {
	return "Example:\n\n    sluice secrets show ./secrets --url https://webhooks.example.com"
}

const exampleNotification = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,` +
	`"wid":"71231234567@c.us","typeInstance":"whatsapp"},"timestamp":1749207600,"idMessage":"104179EDB7F53289",` +
	`"from":"79001234500@c.us","status":"offer"}`

// Run prints a call with the token.
func (c *showSecretsCommand) Run(s *session) error {
	token, err := c.folder().Newest(c.Source)
	if err != nil {
		return err
	}
	path := "/" + c.Source + "/webhook"
	if provider, known := source.Providers()[c.Source]; known {
		path = provider.Path
	}
	return s.out.line("curl -i %s%s/ \\\n  -H 'Authorization: Bearer %s' \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'",
		strings.TrimSuffix(c.URL, "/"), path, token, exampleNotification)
}

type addTokenCommand struct {
	secretsFlags

	Source string `default:"green-api" help:"The source."`
}

func (addTokenCommand) Help() string {
	return `Restart the gateways one by one, enter the new token at the sender, then retire the old one.

Example:

    sluice secrets add ./secrets --source green-api`
}

// Run prints the new token.
func (c *addTokenCommand) Run(s *session) error {
	token, err := c.folder().Add(c.Source)
	if err != nil {
		return err
	}
	return s.out.line("%s", token)
}

type retireCommand struct {
	secretsFlags

	Source string `default:"green-api" help:"The source."`
}

func (retireCommand) Help() string {
	return `Gateways refuse the old tokens once they are restarted.

Example:

    sluice secrets retire ./secrets --source green-api`
}

// Run removes the old tokens.
func (c *retireCommand) Run(s *session) error {
	retired, err := c.folder().Retire(c.Source)
	if err != nil {
		return err
	}
	if retired == 0 {
		return errors.New("there is one token only; add another one first")
	}
	return s.out.line("%s retired", counted(retired, "token"))
}
