package provider

import (
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source/mapping"
)

// The identities of version 1 of the formula, for notifications that were stored before the upgrade to version 2 and taken in
// after it, or taken in again: one that is an event already must not become another one. Only what was different is here. All
// of it can go once nobody upgrades from version 1 any more.

// identifyGreenAPIFormerly took each spelling of a chat for a chat of its own, and the whole body for what tells messages apart.
func identifyGreenAPIFormerly(n *notification.Notification, body *notification.Document) notification.Identity {
	var (
		kind     = body.String("typeWebhook")
		instance = body.Text("instanceData", "idInstance")
		message  = body.Text("idMessage")
		sent     = body.Text("timestamp")
		identity = notification.Identity{Type: kind, Instance: instance, SentAt: sentAt(body)}
		prefix   = []string{n.Source, instance, kind}
		// exact says that the parts which make up the key are there. Without them only the whole body tells a notification
		// from others of its kind.
		exact = true
		key   = func(parts ...string) string { return notification.Key(append(prefix, parts...)...) }
	)
	switch kind {
	case "incomingMessageReceived", "outgoingMessageReceived", "outgoingAPIMessageReceived":
		identity.OrderKey = body.Text("senderData", "chatId")
		identity.Key = key(identity.OrderKey, message, body.Fingerprint())
	case "outgoingMessageStatus":
		identity.OrderKey = body.Text("chatId")
		identity.Key = key(identity.OrderKey, message, body.Text("status"), sent)
		exact = message != ""
	case "incomingCall", "outgoingCall":
		identity.OrderKey = body.Text("from")
		identity.Key = key(identity.OrderKey, message, body.Text("status"))
		exact = message != ""
	case "stateInstanceChanged":
		identity.Key = key(body.Text("stateInstance"), sent)
		exact = body.Text("stateInstance") != ""
	case "statusInstanceChanged":
		identity.Key = key(body.Text("statusInstance"), sent)
		exact = body.Text("statusInstance") != ""
	default:
		identity.OrderKey = body.Text("chatId")
		identity.Key = key(body.Fingerprint())
	}
	if !exact {
		identity.Key = key(identity.OrderKey, body.Fingerprint())
	}
	if message == "" && sent == "" {
		identity.Window = timelessWindow
	}
	return identity
}

// identifyGitHubFormerly knew accounts of repositories and organisations alone.
func identifyGitHubFormerly(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type:     githubType(n, body.String("action")),
		Instance: firstOf(body.String("repository", "owner", "login"), body.String("organization", "login")),
		OrderKey: body.String("repository", "full_name"),
	}
	mapping.SetKeyByID(&identity, n, body, n.Header[githubDelivery])
	return identity
}

// identifyStripeFormerly knew no thin events.
func identifyStripeFormerly(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type: body.String("type"), Instance: body.String("account"),
		OrderKey: body.Text("data", "object", "id"), SentAt: unixTime(body, "created"),
	}
	mapping.SetKeyByID(&identity, n, body, body.Text("id"))
	return identity
}

// identifySlackFormerly knew workspaces alone.
func identifySlackFormerly(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := identifySlack(n, body)
	identity.Instance = firstOf(body.String("team_id"), body.String("team", "id"))
	mapping.SetKeyByID(&identity, n, body, firstOf(body.String("event_id"), body.String("trigger_id")))
	return identity
}
