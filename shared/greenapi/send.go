package greenapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Message is a text for a chat. Source: https://green-api.com/en/docs/api/sending/SendMessage/
type Message struct {
	// ChatID is the chat, such as "79001234567@c.us"; a number without a domain in MAX and Telegram.
	ChatID string `json:"chatId"`
	// Text has at most 20,000 characters in WhatsApp, 4,096 in Telegram, 4,000 in MAX.
	Text string `json:"message"`
	// QuotedMessageID is the message of the same chat that is quoted; empty for none.
	QuotedMessageID string `json:"quotedMessageId,omitempty"`
	// LinkPreview shows or hides what a link leads to; nil leaves it to GREEN-API, which shows it.
	LinkPreview *bool `json:"linkPreview,omitempty"`
}

// File is a file for a chat, which GREEN-API fetches. Source: https://green-api.com/en/docs/api/sending/SendFileByUrl/
type File struct {
	ChatID string `json:"chatId"`
	// URL is where the file is, for everybody to fetch.
	URL string `json:"urlFile"`
	// Name is the file's, with the ending that says what it is.
	Name            string `json:"fileName"`
	Caption         string `json:"caption,omitempty"`
	QuotedMessageID string `json:"quotedMessageId,omitempty"`
}

// Poll is a question with answers to choose from. Source: https://green-api.com/en/docs/api/sending/SendPoll/
type Poll struct {
	ChatID string `json:"chatId"`
	// Question has at most 255 characters, each of the 2 to 12 options at most 100.
	Question        string   `json:"message"`
	Options         []Option `json:"options"`
	MultipleAnswers bool     `json:"multipleAnswers"`
	QuotedMessageID string   `json:"quotedMessageId,omitempty"`
}

// Option is an answer of a poll.
type Option struct {
	Name string `json:"optionName"`
}

// PollOptions returns the answers of a poll.
func PollOptions(names ...string) []Option {
	options := make([]Option, len(names))
	for i, name := range names {
		options[i].Name = name
	}
	return options
}

// Location is a place on the map. Source: https://green-api.com/en/docs/api/sending/SendLocation/
type Location struct {
	ChatID          string  `json:"chatId"`
	Latitude        float64 `json:"latitude"`
	Longitude       float64 `json:"longitude"`
	Name            string  `json:"nameLocation,omitempty"`
	Address         string  `json:"address,omitempty"`
	QuotedMessageID string  `json:"quotedMessageId,omitempty"`
}

// Contact is a person for the reader's address book. Source: https://green-api.com/en/docs/api/sending/SendContact/
type Contact struct {
	ChatID          string `json:"chatId"`
	Person          Person `json:"contact"`
	QuotedMessageID string `json:"quotedMessageId,omitempty"`
}

// Person is who a contact is about. One of the names or the company is needed.
type Person struct {
	// Phone is the number with that of its country, in digits alone.
	Phone      int64  `json:"phoneContact"`
	FirstName  string `json:"firstName,omitempty"`
	MiddleName string `json:"middleName,omitempty"`
	LastName   string `json:"lastName,omitempty"`
	Company    string `json:"company,omitempty"`
}

// Forward is messages of another chat. Source: https://green-api.com/en/docs/api/sending/ForwardMessages/
type Forward struct {
	ChatID string `json:"chatId"`
	// From is the chat that the messages are in.
	From     string   `json:"chatIdFrom"`
	Messages []string `json:"messages"`
}

// SendMessage puts a text into the instance's queue of what is to be sent, and returns the message's id. It is not known whether
// and when it reaches anybody: GREEN-API keeps it for 24 hours until the instance is authorized, and then tells by notifications
// of type outgoingMessageStatus.
//
// Of all methods that send: an error with MayBeDone leaves open whether something was sent; after any other error nothing was.
func (c *Client) SendMessage(ctx context.Context, message Message) (id string, err error) {
	return c.send(ctx, "sendMessage", message)
}

// SendFileByURL sends a file that GREEN-API fetches. See SendMessage.
func (c *Client) SendFileByURL(ctx context.Context, file File) (id string, err error) {
	return c.send(ctx, "sendFileByUrl", file)
}

// SendPoll sends a poll. See SendMessage.
func (c *Client) SendPoll(ctx context.Context, poll Poll) (id string, err error) {
	return c.send(ctx, "sendPoll", poll)
}

// SendLocation sends a place. See SendMessage.
func (c *Client) SendLocation(ctx context.Context, location Location) (id string, err error) {
	return c.send(ctx, "sendLocation", location)
}

// SendContact sends a contact. See SendMessage.
func (c *Client) SendContact(ctx context.Context, contact Contact) (id string, err error) {
	return c.send(ctx, "sendContact", contact)
}

// send calls a method that is answered with the id of a message.
func (c *Client) send(ctx context.Context, method string, what any) (id string, err error) {
	var answer struct {
		ID string `json:"idMessage"`
	}
	if err := c.post(ctx, method, what, &answer); err != nil {
		return "", err
	}
	if answer.ID == "" {
		return "", c.wrap(c.unreadable(method, "the answer has no idMessage", nil))
	}
	return answer.ID, nil
}

// ForwardMessages sends messages of one chat to another one, and returns their new ids. See SendMessage.
func (c *Client) ForwardMessages(ctx context.Context, forward Forward) (ids []string, err error) {
	var answer struct {
		Messages []string `json:"messages"`
	}
	err = c.post(ctx, "forwardMessages", forward, &answer)
	return answer.Messages, err
}

// ReadChat marks a message of a chat as read, or all of them where the message is empty.
// Source: https://green-api.com/en/docs/api/marks/ReadChat/
func (c *Client) ReadChat(ctx context.Context, chatID, messageID string) error {
	what := struct {
		ChatID    string `json:"chatId"`
		MessageID string `json:"idMessage,omitempty"`
	}{chatID, messageID}
	var answer struct {
		Read bool `json:"setRead"`
	}
	if err := c.post(ctx, "readChat", what, &answer); err != nil {
		return err
	}
	if !answer.Read {
		return c.wrap(&Error{Reason: Unavailable, Method: "readChat", Status: http.StatusOK, Text: "the chat was not marked as read"})
	}
	return nil
}

// CheckWhatsapp reports whether there is an account of WhatsApp with a phone number, which is written in digits alone with that
// of its country. The tariff counts these calls.
// Source: https://green-api.com/en/docs/api/service/CheckWhatsapp/
func (c *Client) CheckWhatsapp(ctx context.Context, phone int64) (exists bool, err error) {
	var answer struct {
		Exists bool `json:"existsWhatsapp"`
	}
	err = c.post(ctx, "checkWhatsapp", map[string]int64{"phoneNumber": phone}, &answer)
	return answer.Exists, err
}

// post calls a method that takes JSON.
func (c *Client) post(ctx context.Context, method string, what, answer any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("write the request to %s: %w", method, err)
	}
	return c.ask(ctx, call{verb: http.MethodPost, method: method, body: body}, answer)
}
