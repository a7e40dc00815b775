package provider

import (
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Slack signs version, time and body, and waits 3 s. It asks once whether the path is right and wants the challenge back.
// Source: https://api.slack.com/apis/events-api and https://api.slack.com/authentication/verifying-requests-from-slack
func init() {
	Register(Provider{
		Name:           "slack",
		Path:           "/slack/webhook",
		PublishTimeout: 2 * time.Second,
		BodyLimit:      1 << 20,
		About: About{
			Type: "`/event/type`, else `/type`, `command` or `ssl_check`", ID: "`/event_id`, else `/trigger_id`", Order: "the channel",
			SentAt: "`/event_time`",
		},
		Proof: proof.Signature{
			Header: "X-Slack-Signature", Prefix: "v0=", Signed: "v0:{timestamp}:{body}",
			TimestampHeader: "X-Slack-Request-Timestamp",
		}.MustProof(),
		GivesSecret: true,
		TypeAt:      "/event/type",
		Answers:     []Answer{{}}, // With anything else in it, Slack shows an error to who sent a form.
		Peek: func(n *notification.Notification) (kind, instance string) {
			found := gjson.GetManyBytes(n.Body, "event.type", "type")
			return firstOf(found[0].Str, found[1].Str), peekSlackTeam(n.Body)
		},
		Identify: identifySlack,
		Former:   identifySlackFormerly,
		Challenge: Challenge{
			Method: http.MethodPost, When: []string{"/type=url_verification"}, Echo: "/challenge", Answer: Answer{Body: PlaceEcho},
		},
	})
}

// slackTeams are where a request names the workspace. An app of a whole organisation is told no team_id, and the enterprise
// instead.
var slackTeams = []string{"team_id", "team.id", "authorizations.0.team_id", "enterprise_id", "enterprise.id"}

// identifySlack reads events and, beside them, what comes as a form: interactions, commands, and the check of the certificate.
func identifySlack(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type: firstOf(body.String("event", "type"), body.String("type")),
		OrderKey: firstOf(
			body.String("event", "channel"), body.String("event", "channel", "id"), body.String("event", "item", "channel"),
			body.String("channel", "id"), body.String("channel_id"),
		),
		SentAt: mapping.TimeFrom(body.Text("event_time")),
	}
	for _, place := range slackTeams {
		value, _ := body.Pointer("/" + strings.ReplaceAll(place, ".", "/"))
		if identity.Instance = notification.TextOf(value); identity.Instance != "" {
			break
		}
	}
	switch {
	case identity.Type != "":
	case body.Has("command"):
		identity.Type = "command"
	case body.Has("ssl_check"):
		identity.Type = "ssl_check"
	}
	mapping.SetKeyByID(&identity, n, body, firstOf(body.String("event_id"), body.String("trigger_id")))
	return identity
}

// peekSlackTeam finds the workspace in a body that was not parsed.
func peekSlackTeam(body []byte) string {
	for _, found := range gjson.GetManyBytes(body, slackTeams...) {
		if text := mapping.TextOf(found); text != "" {
			return text
		}
	}
	return ""
}
