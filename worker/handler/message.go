package handler

import (
	"cmp"
	"context"
	"log/slog"
)

// Message is a message, whichever way it went. It holds what tells messages apart; what a message says is of
// interest only as far as it stands for an error.
type Message struct {
	// ID is unique within one chat. An edit, a deletion or a vote has an id of its own.
	ID     Text               `json:"idMessage"`
	Sender Loose[Sender]      `json:"senderData"`
	Data   Loose[MessageData] `json:"messageData"`
}

// Sender is who wrote a message, and where.
type Sender struct {
	// ChatID is …@c.us, …@g.us or …@lid in WhatsApp, elsewhere a number, negative for a group.
	ChatID Text `json:"chatId"`
}

// MessageData is what was sent. Which of the parts there are depends on Type.
type MessageData struct {
	// Type is the kind of message: textMessage, imageMessage, reactionMessage and many more.
	Type Text `json:"typeMessage"`

	Text     Loose[TextData]         `json:"textMessageData"`
	Extended Loose[ExtendedTextData] `json:"extendedTextMessageData"`
	Edited   Loose[EditedData]       `json:"editedMessageData"`

	File Loose[FileData] `json:"fileMessageData"`
	// Sticker is where one page of the documentation has the file of a sticker.
	Sticker Loose[FileData] `json:"stickerMessageData"`

	Quoted          Loose[Reference] `json:"quotedMessage"`
	Deleted         Loose[Reference] `json:"deletedMessageData"`
	Poll            Loose[Reference] `json:"pollMessageData"`
	ButtonsResponse Loose[Reference] `json:"buttonsResponseMessage"`
	ListResponse    Loose[Reference] `json:"listResponseMessage"`
	// Interactive is a tap on an interactive button, which GREEN-API calls a reply in one place and a response in another.
	Interactive      Loose[Reference] `json:"interactiveButtonsResponse"`
	InteractiveReply Loose[Reference] `json:"interactiveButtonsReply"`
	// TemplateReply and TemplatesReply are one thing that the documentation spells in two ways.
	TemplateReply  Loose[Reference] `json:"templateButtonReplyMessage"`
	TemplatesReply Loose[Reference] `json:"templateButtonsReplyMessage"`

	// Order and Product are of the catalogue. No page says whether their data is called after the message or has Data at
	// its end, as that of most messages.
	Order       Loose[Goods] `json:"orderMessage"`
	OrderData   Loose[Goods] `json:"orderMessageData"`
	Product     Loose[Goods] `json:"productMessage"`
	ProductData Loose[Goods] `json:"productMessageData"`
}

// Goods are what is ordered or shown from the catalogue. They have their picture inside.
type Goods struct {
	File Loose[FileData] `json:"fileMessageData"`
	Reference
}

// TextData is a plain text.
type TextData struct {
	Text Text `json:"textMessage"`
}

// ExtendedTextData is a text with a link, one that quotes another message, or a reaction.
type ExtendedTextData struct {
	Text Text `json:"text"`
	Reference
}

// EditedData is the new text of a message.
type EditedData struct {
	Text Text `json:"textMessage"`
	Reference
}

// FileData is a picture, a video, a document, a recording or a sticker.
type FileData struct {
	DownloadURL Text `json:"downloadUrl"`
}

// Reference names another message: the one that is quoted, answered, edited or deleted, or the poll.
type Reference struct {
	StanzaID Text `json:"stanzaId"`
}

// log says in a line what kind of message it is and never what is in it. One that stands for an error is a warning.
func (m Message) log(ctx context.Context, log *slog.Logger, what string) {
	attrs := m.attrs()
	level := slog.LevelInfo
	if marker := m.Data.Value.marker(); marker != "" {
		level = slog.LevelWarn
		what += " with an error marker"
		attrs = append(attrs, slog.String("marker", marker), slog.String("meaning", markerMeaning(marker)))
	}
	log.LogAttrs(ctx, level, what, attrs...)
}

func (m Message) attrs() []slog.Attr {
	data := m.Data.Value
	return []slog.Attr{
		m.ID.attr("message_id"),
		m.Sender.Value.ChatID.attr("chat_id"),
		data.Type.attr("message_type"),
		slog.Bool("file", data.file().OK),
		data.refersTo().attr("refers_to"),
	}
}

// file is the file of the message, wherever it is.
func (d MessageData) file() Loose[FileData] {
	return cmp.Or(d.File, d.Sticker,
		d.Order.Value.File, d.OrderData.Value.File, d.Product.Value.File, d.ProductData.Value.File)
}

// refersTo is the id of the message that this one is about. A quotation names it twice.
func (d MessageData) refersTo() Text {
	return cmp.Or(
		d.Quoted.Value.StanzaID,
		d.Extended.Value.StanzaID,
		d.Edited.Value.StanzaID,
		d.Deleted.Value.StanzaID,
		d.Poll.Value.StanzaID,
		d.ButtonsResponse.Value.StanzaID,
		d.ListResponse.Value.StanzaID,
		d.TemplateReply.Value.StanzaID,
		d.TemplatesReply.Value.StanzaID,
		d.Interactive.Value.StanzaID,
		d.InteractiveReply.Value.StanzaID,
		d.Order.Value.StanzaID,
		d.OrderData.Value.StanzaID,
		d.Product.Value.StanzaID,
		d.ProductData.Value.StanzaID,
	)
}

// marker is the error that the message stands for, "" for a message like any other.
func (d MessageData) marker() string {
	return cmp.Or(
		findMarker(d.Text.Value.Text),
		findMarker(d.Extended.Value.Text),
		findMarker(d.Edited.Value.Text),
		findMarker(d.file().Value.DownloadURL),
	)
}
