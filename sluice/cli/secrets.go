package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
	"sluice.internal/sluice/cli/term"
	"sluice.internal/sluice/credentials"
)

// secretsCommand has the commands for what the parts of a deployment log in with.
type secretsCommand struct {
	Make   makeSecretsCommand `cmd:"" help:"Make tokens for senders and keys for each role at NATS, where there are none."`
	Show   showSecretsCommand `cmd:"" help:"Show a source's newest token, in a call to try it."`
	Add    addTokenCommand    `cmd:"" help:"Add a token to those of a source; the others stay valid."`
	Retire retireCommand      `cmd:"" help:"Remove all tokens of a source but the newest."`

	EncryptionKey encryptionKeyCommand `cmd:"" help:"Make a key by which sluice up encrypts what it stores."`
}

func (secretsCommand) Help() string {
	return "Example:\n\n    sluice secrets make ./secrets"
}

// secretsFlags say where the secrets lie and whose they are.
type secretsFlags struct {
	Dir   string `arg:"" placeholder:"DIR" help:"Folder with a folder for each role."`
	Owner int    `default:"-1" placeholder:"ID" help:"User and group whose processes read them; default: who runs this."`
}

// folder is the folder of secrets, whose new files are handed over as they are made.
func (f secretsFlags) folder() credentials.Folder {
	return credentials.Folder{Dir: f.Dir, Own: f.own}
}

// own hands a file or folder over. Without --owner it stays with the caller, who need not be the superuser then.
func (f secretsFlags) own(path string) error {
	if f.Owner < 0 {
		return nil
	}
	return os.Chown(path, f.Owner, f.Owner)
}

// makeSecretsCommand is `sluice secrets make`. It may be run at every start of a deployment: what is there stays.
type makeSecretsCommand struct {
	secretsFlags

	Source []string `default:"green-api" help:"Sources that get a token."`
	Node   []string `placeholder:"HOST" help:"Nodes of a NATS cluster; they get a secret to know each other by."`
	Region []string `placeholder:"NAME" help:"Regions that this is the centre of; each gets a key and an account of its own."`
	Own    []string `placeholder:"DIR" help:"More folders to hand to the owner, such as those for data."`
}

func (makeSecretsCommand) Help() string {
	return `It makes DIR/ROLE/nats.seed for every role, DIR/gateway/SOURCE.token for every source, and for the configuration of NATS ` +
		`DIR/nats/keys.conf, which holds no secret, and DIR/nats/routes.conf, which is a secret of the nodes: who has it is one. ` +
		`For each region it makes DIR/regions/NAME/nats.seed, which only the region's NATS gets, and its account in DIR/nats/regions.conf. ` +
		`Keys and secrets that are there stay as they are.

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
	folder := c.folder()
	folder.Nodes, folder.Regions = c.Node, c.Region
	made, err := folder.Make(c.Source...)
	for _, file := range made {
		_ = s.out.Line("made %s", file) // The error comes with the last line.
	}
	if err != nil {
		return err
	}
	return s.out.Line("%s is complete; for a call to try it: sluice secrets show %s", c.Dir, c.Dir)
}

// showSecretsCommand is `sluice secrets show`, the one place that prints a token because it was asked to.
type showSecretsCommand struct {
	Dir    string `arg:"" optional:"" placeholder:"DIR" help:"Folder of sluice secrets make (default: the data folder of sluice up)."`
	Data   string `placeholder:"DIR" help:"Data folder of sluice up, instead of DIR (default: $$SLUICE_DATA, else ./data)."`
	Owner  int    `default:"-1" hidden:"" help:"Without an effect: nothing is made."`
	Source string `default:"green-api" help:"The source."`
	URL    string `name:"url" placeholder:"URL" help:"Where senders reach the gateway (default: http://127.0.0.1:8080, or where that of the data folder listens)."`
}

func (showSecretsCommand) Help() string {
	return `Example:

    sluice secrets show
    sluice secrets show ./secrets --url https://webhooks.example.com`
}

// Validate refuses what can't be meant.
func (c *showSecretsCommand) Validate() error {
	if c.Dir != "" && c.Data != "" {
		return errors.New("a folder of secrets goes with no --data")
	}
	return nil
}

// exampleNotification is one that GREEN-API documents. It passes its schema, so whoever tries it sees an event.
const exampleNotification = `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,` +
	`"wid":"71231234567@c.us","typeInstance":"whatsapp"},"timestamp":1749207600,"idMessage":"104179EDB7F53289",` +
	`"from":"79001234500@c.us","status":"offer"}`

// Run prints a call with the token, or the secret alone where senders do not send it as a token.
func (c *showSecretsCommand) Run(s *session) error {
	if c.Dir == "" {
		return c.showMade(s)
	}
	token, err := credentials.Folder{Dir: c.Dir}.Newest(c.Source)
	if err != nil {
		return err
	}
	path := "/" + c.Source + "/webhook"
	if provider, known := source.Providers()[c.Source]; known {
		path = provider.Path
	}
	return printCall(s, cmp.Or(c.URL, "http://127.0.0.1:8080"), path, token)
}

// showMade prints the token that `sluice up` made.
func (c *showSecretsCommand) showMade(s *session) error {
	description, dir, err := readDescription(s, c.Data, "the folder of `sluice secrets make`")
	if err != nil {
		return err
	}
	made, err := sourceIn(description, dir, c.Source)
	if err != nil {
		return err
	}
	token, err := description.Token(c.Source)
	if err != nil {
		return err
	}
	url := cmp.Or(c.URL, description.GatewayURL)
	switch {
	case token == "":
		return fmt.Errorf("source %q has no token that was made; what is configured is in the configuration", c.Source)
	case made.Auth == config.AuthPath:
		return s.out.Line("%s%s/%s", strings.TrimSuffix(url, "/"), made.Path, token)
	case made.Auth != config.AuthToken && made.Auth != "":
		return s.out.Line("%s", token)
	default:
		return printCall(s, url, made.Path, token)
	}
}

// printCall prints a request to try, ready for a shell.
func printCall(s *session, url, path, token string) error {
	return s.out.Line("curl -i %s%s/ \\\n  -H 'Authorization: Bearer %s' \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'",
		strings.TrimSuffix(url, "/"), path, token, exampleNotification)
}

// addTokenCommand is `sluice secrets add`, the first half of a rotation: from then on both tokens are valid.
type addTokenCommand struct {
	secretsFlags

	Source string `default:"green-api" help:"The source."`
}

func (addTokenCommand) Help() string {
	return `Restart the gateways one by one, enter the new token at the sender, then retire the old one.

Example:

    sluice secrets add ./secrets --source green-api`
}

// Run prints the new token alone, so that a script can hand it to the sender's settings. It stands in the file as well.
func (c *addTokenCommand) Run(s *session) error {
	token, err := c.folder().Add(c.Source)
	if err != nil {
		return err
	}
	return s.out.Line("%s", token)
}

// retireCommand is `sluice secrets retire`, the second half of a rotation.
type retireCommand struct {
	secretsFlags

	Source string `default:"green-api" help:"The source."`
}

func (retireCommand) Help() string {
	return `Gateways refuse the old tokens once they are restarted.

Example:

    sluice secrets retire ./secrets --source green-api`
}

// Run removes the old tokens. With one token only it fails: retiring that would lock the sender out.
func (c *retireCommand) Run(s *session) error {
	retired, err := c.folder().Retire(c.Source)
	if err != nil {
		return err
	}
	if retired == 0 {
		return errors.New("there is one token only; add another one first")
	}
	return s.out.Line("%s retired", term.Counted(retired, "token"))
}

// encryptionKeyCommand is `sluice secrets encryption-key`.
type encryptionKeyCommand struct {
	File string `arg:"" placeholder:"FILE" help:"File that is made for the key; it must not be there yet."`
}

func (encryptionKeyCommand) Help() string {
	return `Name the file with nats.encryption_key_file or with sluice up --encryption-key-file. What is stored already is ` +
		`encrypted with the next start. Keep the file on another disk than the data, and a copy at a safe place: ` +
		`without it nobody can read what is stored.

Example:

    sluice secrets encryption-key /etc/sluice/data.key`
}

// Run makes the key and says where it is. The key itself is not printed.
func (c *encryptionKeyCommand) Run(s *session) error {
	if err := credentials.MakeEncryptionKey(c.File); err != nil {
		return err
	}
	return s.out.Line("made %s; keep a copy at a safe place: without it nobody can read what is stored", c.File)
}
