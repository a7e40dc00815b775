package source

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

const (
	githubEvent    = "X-Github-Event"
	githubDelivery = "X-Github-Delivery"
)

// GitHub signs the body, names the event in a header and waits 10 s. It does not send again by itself, and a delivery
// that somebody sends again keeps its id. The ping that it sends at first is an event like any other.
// Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
func init() {
	register(Provider{
		Name:     "github",
		Path:     "/github/webhook",
		Patience: 8 * time.Second,
		Proof:    Signature{Header: "X-Hub-Signature-256", Prefix: "sha256="}.mustProof(),
		TypeAt:   placeHeader + "X-GitHub-Event",
		Header:   []string{githubEvent, githubDelivery},
		Peek: func(n *notification.Notification) (kind, instance string) {
			found := gjson.GetManyBytes(n.Body, "action", "repository.owner.login", "organization.login")
			return githubType(n, found[0].Str), firstOf(textOf(found[1]), textOf(found[2]))
		},
		Identify: identifyGitHub,
		Announce: func(d *Draft, kind string) {
			d.setDefault("User-Agent", "GitHub-Hookshot/sluice")
			d.setDefault(githubEvent, firstOf(kind, guessGitHubEvent(d.Body)))
			d.setDefault(githubDelivery, uuid())
		},
	})
}

// githubType is the event with its action, as in "issues.opened".
func githubType(n *notification.Notification, action string) string {
	event := n.Header[githubEvent]
	if event == "" || action == "" {
		return event
	}
	return event + "." + action
}

func identifyGitHub(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type:     githubType(n, body.String("action")),
		Instance: firstOf(body.String("repository", "owner", "login"), body.String("organization", "login")),
		OrderKey: body.String("repository", "full_name"),
	}
	id := firstOf(n.Header[githubDelivery], body.Fingerprint())
	identity.Key = notification.Key(n.Source, identity.Instance, identity.Type, id)
	return identity
}

// guessGitHubEvent names the event of a body that is sent without saying which it is.
func guessGitHubEvent(body []byte) string {
	for _, sign := range [][2]string{
		{"zen", "ping"}, {"commits", "push"}, {"issue.url", "issues"}, {"pull_request.url", "pull_request"}, {"release.url", "release"},
	} {
		if gjson.GetBytes(body, sign[0]).Exists() {
			return sign[1]
		}
	}
	return "ping"
}

// firstOf is the first text that is not empty.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// uuid is a random one (RFC 9562, version 4).
func uuid() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // It never fails.
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
