package provider

import (
	"net/http"
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Discord signs time and body with the application's key. It sends interactions, which wait for 3 s, and events. It asks
// interactions' URLs now and then, with right and with wrong signatures, whether somebody verifies them.
// Source: https://discord.com/developers/docs/interactions/overview and https://discord.com/developers/docs/events/webhook-events
func init() {
	Register(Provider{
		Name:           "discord",
		Path:           "/discord/webhook",
		PublishTimeout: 2 * time.Second,
		About: About{
			Type: "`/event/type`, else the name of `/type`", ID: "`/id`", Order: "the channel, the user of an event",
			SentAt: "`/event/timestamp`",
		},
		Proof: proof.Signature{
			Header: "X-Signature-Ed25519", Algorithm: proof.AlgorithmEd25519, Signed: "{timestamp}{body}",
			TimestampHeader: "X-Signature-Timestamp",
		}.MustProof(),
		GivesSecret: true,
		TypeAt:      "/type",
		Challenge: Challenge{ // An event has the same type as the question of interactions.
			Method: http.MethodPost, When: []string{"/type=1", "!/event"},
			Answer: Answer{ContentType: "application/json", Body: `{"type":1}`},
		},
		Answers: discordAnswers(),
		Peek: func(n *notification.Notification) (kind, instance string) {
			found := gjson.GetManyBytes(n.Body, "event.type", "type", "application_id")
			return firstOf(found[0].Str, discordTypes[found[1].Raw]), mapping.TextOf(found[2])
		},
		Identify: identifyDiscord,
	})
}

// discordTypes are the names of the types of interactions. The question of events has 0.
var discordTypes = map[string]string{
	"0": "ping", "1": "ping", "2": "application_command", "3": "message_component", "4": "application_command_autocomplete", "5": "modal_submit",
}

// discordAnswers say that the handler answers interactions later, by their token. Completions can't wait, so that there are
// none. Events want no body.
func discordAnswers() []Answer {
	var answers []Answer
	for _, answer := range [][2]string{
		{"2", `{"type":5}`}, {"3", `{"type":6}`}, {"4", `{"type":8,"data":{"choices":[]}}`}, {"5", `{"type":5}`},
	} {
		answers = append(answers, Answer{When: []string{"/type=" + answer[0]}, ContentType: "application/json", Body: answer[1]})
	}
	return append(answers, Answer{Status: http.StatusNoContent})
}

// identifyDiscord keeps interactions in the order of their channel, and events in that of their user. Events have no id.
func identifyDiscord(n *notification.Notification, body *notification.Document) notification.Identity {
	kind := body.Text("type")
	identity := notification.Identity{
		Type:     firstOf(body.String("event", "type"), discordTypes[kind], kind),
		Instance: body.Text("application_id"),
		SentAt:   mapping.TimeFrom(body.String("event", "timestamp")),
	}
	if body.Has("event") {
		identity.OrderKey = firstOf(body.Text("event", "data", "user", "id"), body.Text("event", "data", "user_id"))
		mapping.SetKeyByID(&identity, n, body, "")
		return identity
	}
	identity.OrderKey = firstOf(body.Text("channel_id"), body.Text("guild_id"), body.Text("user", "id"))
	mapping.SetKeyByID(&identity, n, body, body.Text("id"))
	return identity
}
