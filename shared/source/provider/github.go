package provider

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

const (
	githubEvent    = "X-Github-Event"
	githubDelivery = "X-Github-Delivery"
)

// GitHub signs the body, names the event in a header and waits 10 s. It does not send again by itself, and a delivery
// that somebody sends again keeps its id. The ping that it sends at first is an event like any other.
// Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
func init() {
	Register(Provider{
		Name:           "github",
		Path:           "/github/webhook",
		PublishTimeout: 8 * time.Second,
		BodyLimit:      25 << 20, // "Payloads are capped at 25 MB"; a delivery above that is not sent at all.
		About: About{
			Type: "`header:X-GitHub-Event` and `/action`", ID: "`header:X-GitHub-Delivery`",
			Order: "`/repository/full_name`, else the installation or the account",
		},
		Proof:  proof.Signature{Header: "X-Hub-Signature-256", Prefix: "sha256="}.MustProof(),
		TypeAt: "header:X-GitHub-Event",
		Header: []string{githubEvent, githubDelivery},
		Peek: func(n *notification.Notification) (kind, instance string) {
			return githubType(n, gjson.GetBytes(n.Body, "action").Str), peekGitHubAccount(n.Body)
		},
		Identify: identifyGitHub,
		Former:   identifyGitHubFormerly,
		Announce: func(d *proof.Draft, kind string) {
			d.SetDefault("User-Agent", "GitHub-Hookshot/sluice")
			d.SetDefault(githubEvent, firstOf(kind, guessGitHubEvent(d.Body)))
			d.SetDefault(githubDelivery, uuid())
		},
	})
}

// githubType returns the event with its action, as in "issues.opened".
func githubType(n *notification.Notification, action string) string {
	event := n.Header[githubEvent]
	if event == "" || action == "" {
		return event
	}
	return event + "." + action
}

// identifyGitHub keeps the order per repository, and of what is about no repository per installation of an app or per
// organisation. A delivery that somebody sends again from the settings keeps its id, so that it becomes one event with the
// first.
func identifyGitHub(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{Type: githubType(n, body.String("action")), OrderKey: body.String("repository", "full_name")}
	for _, place := range githubAccounts {
		if identity.Instance = body.String(strings.Split(place, ".")...); identity.Instance != "" {
			break
		}
	}
	if id := body.Text("installation", "id"); identity.OrderKey == "" && id != "" {
		identity.OrderKey = "installation/" + id
	}
	if identity.OrderKey == "" {
		identity.OrderKey = identity.Instance
	}
	mapping.SetKeyByID(&identity, n, body, n.Header[githubDelivery])
	return identity
}

// githubAccounts are where an event names the account that it is about. What an installation tells of itself is elsewhere than
// what happens in its repositories; the sender is who did it, and stands for those who have nothing but an account.
var githubAccounts = []string{
	"repository.owner.login", "organization.login", "installation.account.login", "account.login",
	"marketplace_purchase.account.login", "enterprise.slug", "sender.login",
}

// peekGitHubAccount finds the account in a body that was not parsed.
func peekGitHubAccount(body []byte) string {
	for _, found := range gjson.GetManyBytes(body, githubAccounts...) {
		if text := mapping.TextOf(found); text != "" {
			return text
		}
	}
	return ""
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

// firstOf returns the first text that is not empty, "" when all are.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// uuid returns a random UUID (RFC 9562, version 4).
func uuid() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // It never fails.
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
