package provider

import (
	"time"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source/mapping"
)

// Telegram's Bot API sends updates with the secret token that setWebhook was given in a header. It waits a minute or so, sends
// one update after the other for each bot, and the same again until it is answered 2xx. What an update is about is the name of
// its only other member.
// Source: https://core.telegram.org/bots/api#setwebhook and https://core.telegram.org/bots/api#update
func init() {
	Register(Provider{
		Name:           "telegram",
		Path:           "/telegram/webhook",
		PublishTimeout: 30 * time.Second,
		Proof:          proof.Token("X-Telegram-Bot-Api-Secret-Token"),
		Read: mapping.Mapping{
			Type: "key:!update_id",
			ID:   []string{"/update_id"},
			Order: "/message/chat/id | /edited_message/chat/id | /channel_post/chat/id | /edited_channel_post/chat/id | " +
				"/business_message/chat/id | /edited_business_message/chat/id | /deleted_business_messages/chat/id | " +
				"/callback_query/message/chat/id | /message_reaction/chat/id | /message_reaction_count/chat/id | " +
				"/my_chat_member/chat/id | /chat_member/chat/id | /chat_join_request/chat/id | /chat_boost/chat/id | " +
				"/removed_chat_boost/chat/id | /callback_query/from/id | /inline_query/from/id | /chosen_inline_result/from/id | " +
				"/shipping_query/from/id | /pre_checkout_query/from/id | /poll_answer/user/id | /poll/id",
			SentAt: "/message/date | /edited_message/edit_date | /channel_post/date | /edited_channel_post/edit_date",
		},
	})
}
