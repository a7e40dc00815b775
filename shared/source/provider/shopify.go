package provider

import (
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
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
	Register(Provider{
		Name:           "shopify",
		Path:           "/shopify/webhook",
		PublishTimeout: 4 * time.Second,
		About: About{
			Type: "`header:X-Shopify-Topic`", ID: "`header:X-Shopify-Event-Id`, else `header:X-Shopify-Webhook-Id`",
			SentAt: "`header:X-Shopify-Triggered-At`",
		},
		Proof:       proof.Signature{Header: "X-Shopify-Hmac-Sha256", Encoding: proof.EncodingBase64}.MustProof(),
		GivesSecret: true,
		TypeAt:      "header:" + shopifyTopic,
		Header:      []string{shopifyTopic, shopifyEvent, shopifyWebhook, shopifyShop, shopifyTriggered},
		Peek: func(n *notification.Notification) (kind, instance string) {
			return n.Header[shopifyTopic], n.Header[shopifyShop]
		},
		Identify: identifyShopify,
		Announce: func(d *proof.Draft, kind string) {
			d.SetDefault(shopifyTopic, firstOf(kind, "orders/create"))
			d.SetDefault(shopifyShop, "example.myshopify.com")
			d.SetDefault(shopifyEvent, uuid())
			d.SetDefault(shopifyWebhook, uuid())
			d.SetDefault(shopifyTriggered, d.At.UTC().Format(time.RFC3339Nano))
		},
	})
}

// identifyShopify keeps the order per shop. An event that concerns several topics has the same id in all of them.
func identifyShopify(n *notification.Notification, body *notification.Document) notification.Identity {
	identity := notification.Identity{
		Type: n.Header[shopifyTopic], Instance: n.Header[shopifyShop], SentAt: mapping.TimeFrom(n.Header[shopifyTriggered]),
	}
	mapping.SetKeyByID(&identity, n, body, firstOf(n.Header[shopifyEvent], n.Header[shopifyWebhook]))
	return identity
}
