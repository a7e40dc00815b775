package source

import (
	"time"

	"sluice.internal/shared/notification"
)

const (
	shopifyTopic     = "X-Shopify-Topic"
	shopifyEvent     = "X-Shopify-Event-Id"
	shopifyWebhook   = "X-Shopify-Webhook-Id"
	shopifyShop      = "X-Shopify-Shop-Domain"
	shopifyTriggered = "X-Shopify-Triggered-At"
)

// Shopify signs the body, says the rest in headers and waits 5 s. After eight failures in four hours it deletes the
// subscription.
// Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https
func init() {
	register(Provider{
		Name:        "shopify",
		Path:        "/shopify/webhook",
		Patience:    4 * time.Second,
		Proof:       Signature{Header: "X-Shopify-Hmac-Sha256", Encoding: EncodingBase64}.mustProof(),
		GivesSecret: true,
		TypeAt:      placeHeader + shopifyTopic,
		Header:      []string{shopifyTopic, shopifyEvent, shopifyWebhook, shopifyShop, shopifyTriggered},
		Peek: func(n *notification.Notification) (kind, instance string) {
			return n.Header[shopifyTopic], n.Header[shopifyShop]
		},
		Identify: identifyShopify,
		Announce: func(d *Draft, kind string) {
			d.setDefault(shopifyTopic, firstOf(kind, "orders/create"))
			d.setDefault(shopifyShop, "example.myshopify.com")
			d.setDefault(shopifyEvent, uuid())
			d.setDefault(shopifyWebhook, uuid())
			d.setDefault(shopifyTriggered, d.At.UTC().Format(time.RFC3339Nano))
		},
	})
}

// identifyShopify keeps the order per shop. An event that concerns several topics has the same id in all of them.
func identifyShopify(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type: n.Header[shopifyTopic], Instance: n.Header[shopifyShop], SentAt: timeFrom(n.Header[shopifyTriggered]),
	}
	id := firstOf(n.Header[shopifyEvent], n.Header[shopifyWebhook], body.Fingerprint())
	identity.Key = notification.Key(n.Source, identity.Instance, identity.Type, id)
	return identity
}
