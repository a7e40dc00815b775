package simulate

import (
	"bytes"
	"encoding/json"
)

// notification is what is sent, and what the ledger says about it.
type notification struct {
	typ, chat, id string
	body          []byte
	fault         string
	twice         bool // to be sent once more after a 200
}

// fields is a part of a document.
type fields = map[string]any

// document is the body of a notification, of whichever type. Source of the fields: GREEN-API's documentation of the
// types; the order is that of its examples.
type document struct {
	TypeWebhook  string      `json:"typeWebhook"`
	InstanceData account     `json:"instanceData"`
	Timestamp    int64       `json:"timestamp,omitempty"` // in seconds
	IDMessage    string      `json:"idMessage,omitempty"`
	SenderData   *senderData `json:"senderData,omitempty"`
	MessageData  fields      `json:"messageData,omitempty"`

	// Statuses, blocks and calls. What is any is there even when it is false, 0 or empty.
	ChatID       string `json:"chatId,omitempty"`
	From         string `json:"from,omitempty"`
	Status       string `json:"status,omitempty"`
	Description  string `json:"description,omitempty"`
	SendByAPI    any    `json:"sendByApi,omitempty"`
	ChatState    string `json:"chatState,omitempty"`
	IsVideo      any    `json:"isVideo,omitempty"`
	Duration     any    `json:"duration,omitempty"`
	Participants any    `json:"participants,omitempty"`

	// The account itself.
	StateInstance  string `json:"stateInstance,omitempty"`
	StatusInstance string `json:"statusInstance,omitempty"`
	DeviceData     fields `json:"deviceData,omitempty"`
	AvatarInfo     fields `json:"avatarInfo,omitempty"`
	QuotaData      fields `json:"quotaData,omitempty"`
}

// account is the instance and who it is in its messenger.
type account struct {
	ID        int64     `json:"idInstance"`
	WID       string    `json:"wid"` // empty while it is not authorized
	Messenger messenger `json:"typeInstance"`
}

type senderData struct {
	ChatID      string `json:"chatId"`
	ChatType    string `json:"chatType,omitempty"` // Telegram
	Sender      string `json:"sender"`
	SenderType  string `json:"senderType,omitempty"` // Telegram
	ChatName    string `json:"chatName"`
	SenderName  string `json:"senderName"`
	ContactName string `json:"senderContactName"`
	Phone       any    `json:"senderPhoneNumber,omitempty"` // MAX and Telegram; 0 when hidden
}

// notification writes the document.
func (d document) notification() notification {
	n := notification{typ: d.TypeWebhook, chat: d.ChatID, id: d.IDMessage, body: encode(d)}
	switch {
	case d.SenderData != nil:
		n.chat = d.SenderData.ChatID
	case d.From != "":
		n.chat = d.From
	}
	return n
}

func encode(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // Strings, numbers and maps of them have a form in JSON.
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}
