package source

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
)

// Slack signs version, time and body, and waits 3 s. It asks once whether the path is right and wants the challenge back.
// Source: https://api.slack.com/apis/events-api and https://api.slack.com/authentication/verifying-requests-from-slack
func init() {
	register(Provider{
		Name:     "slack",
		Path:     "/slack/webhook",
		Patience: 2 * time.Second,
		Proof: Signature{
			Header: "X-Slack-Signature", Prefix: "v0=", Signed: "v0:{timestamp}:{body}",
			TimestampHeader: "X-Slack-Request-Timestamp",
		}.mustProof(),
		GivesSecret: true,
		TypeAt:      "/event/type",
		Peek: func(n *notification.Notification) (kind, instance string) {
			found := gjson.GetManyBytes(n.Body, "event.type", "type", "team_id")
			return firstOf(found[0].Str, found[1].Str), textOf(found[2])
		},
		Identify: identifySlack,
		Challenge: func(body []byte) (echo string, ok bool) {
			found := gjson.GetManyBytes(body, "type", "challenge")
			return found[1].Str, found[0].Str == "url_verification" && found[1].Str != ""
		},
	})
}

// identifySlack reads events and, beside them, what comes as a form: interactions and commands.
func identifySlack(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type:     firstOf(body.String("event", "type"), body.String("type")),
		Instance: firstOf(body.String("team_id"), body.String("team", "id")),
		OrderKey: firstOf(
			body.String("event", "channel"), body.String("event", "channel", "id"), body.String("event", "item", "channel"),
			body.String("channel", "id"), body.String("channel_id"),
		),
		SentAt: unixTime(body, "event_time"),
	}
	if identity.Type == "" && body.Has("command") {
		identity.Type = "command"
	}
	id := firstOf(body.String("event_id"), body.String("trigger_id"), body.Fingerprint())
	identity.Key = notification.Key(n.Source, identity.Instance, identity.Type, id)
	return identity
}
