package source_test

import (
	"time"

	"github.com/tidwall/gjson"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// bank is a kind of sender of one's own.
func bank() source.Provider {
	return source.Provider{
		Name:           "bank",
		Path:           "/bank/webhook",
		PublishTimeout: 4 * time.Second, // It waits for 5.
		Proof:          proof.Token("Authorization"),
		TypeAt:         "/kind",
		Peek: func(n *notification.Notification) (kind, instance string) {
			return gjson.GetBytes(n.Body, "kind").String(), ""
		},
		Identify: func(n *notification.Notification, body *notification.Document) notification.Identity {
			return notification.Identity{Type: body.Text("kind"), Key: notification.Key(n.Source, body.Text("id")), OrderKey: body.Text("account")}
		},
	}
}

// Senders are known for as long as the process runs, to everything in it, so it is compiled here and not run. Gateway and worker
// have to know the same ones: gateway.Main, worker.Main and program.Main register what they are given.
func ExampleRegister() {
	_ = func() { // This is the beginning of your func main().
		source.Register(bank())
	}
}
