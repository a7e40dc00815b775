package loadgen

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
)

const (
	// firstInstance and firstChat have the digits of real ones, so that others of the same length follow.
	firstInstance = 1101000000
	firstChat     = 79001000000
	// chats is how many chats an instance has. Together they fill all lanes.
	chats = 64

	runDigits, connectionDigits, numberDigits = 12, 4, 8
	// maxConnections is what the digits of an id allow for.
	maxConnections = 1 << (4 * connectionDigits)

	idMark   = `"idMessage":"`
	idDigits = runDigits + connectionDigits + numberDigits
)

// notificationFormat is what GREEN-API sends when somebody writes to an account. Source:
// https://green-api.com/en/docs/api/receiving/notifications-format/incoming-message/TextMessage/
const notificationFormat = `{"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":%d,` +
	`"wid":"71231234567@c.us","typeInstance":"whatsapp"},"timestamp":1749207600,` + idMark + `%s",` +
	`"senderData":{"chatId":"%d@c.us","sender":"79001000000@c.us","chatName":"Bench","senderName":"Bench"},` +
	`"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"%s"}}}`

// Template is a notification in the making: text around it that stays, and places in it that are written anew for
// each. Writing one allocates nothing. It is one goroutine's.
type Template struct {
	whole              []byte // the head, such as a request's, and the body
	body               []byte // the body's part of whole
	id, instance, chat []byte // places in body
	connection         int
	instances          int
}

// NewTemplate makes the notifications of a run for one connection. Head returns what goes before a body of that
// length.
func NewTemplate(run string, connection, size, instances int, head func(length int) string) *Template {
	body := bodyOf(size)
	before := head(len(body))
	m := &Template{whole: []byte(before + body), connection: connection, instances: instances}
	m.body = m.whole[len(before):]
	m.id = m.place(idMark, idDigits)
	m.instance = m.place(`"idInstance":`, len(strconv.Itoa(firstInstance)))
	m.chat = m.place(`"chatId":"`, len(strconv.Itoa(firstChat)))
	copy(m.id, run)
	writeHex(m.id[runDigits:runDigits+connectionDigits], connection)
	return m
}

// NoHead is for what needs none.
func NoHead(int) string { return "" }

// bodyOf returns a body of about that many bytes.
func bodyOf(size int) string {
	id := strings.Repeat("0", idDigits)
	empty := fmt.Sprintf(notificationFormat, firstInstance, id, firstChat, "")
	return fmt.Sprintf(notificationFormat, firstInstance, id, firstChat, strings.Repeat("x", max(size-len(empty), 1)))
}

func (m *Template) place(mark string, length int) []byte {
	begin := bytes.Index(m.body, []byte(mark)) + len(mark)
	return m.body[begin : begin+length : begin+length]
}

// Body is the notification's part of what is sent. The next write changes it.
func (m *Template) Body() []byte { return m.body }

// BodySize returns the size that a body gets when about that many bytes are asked for: the text around the message
// can't be left out.
func BodySize(size int) int { return len(bodyOf(size)) }

// write makes it the connection's notification of that number.
func (m *Template) write(number int) {
	turn := m.connection + number
	m.WriteFrom(number, Chat{turn % m.instances, turn / m.instances % chats})
}

// Chat is one of an instance.
type Chat struct{ Instance, Number int }

// WriteFrom makes it the connection's notification of that number, from that chat.
func (m *Template) WriteFrom(number int, from Chat) {
	writeHex(m.id[runDigits+connectionDigits:], number)
	writeDecimal(m.instance, firstInstance+from.Instance)
	writeDecimal(m.chat, firstChat+from.Number)
}

// readID finds connection and number of a notification of the run, wherever it was read.
func readID(run string, body []byte) (connection, number int, ok bool) {
	_, rest, found := bytes.Cut(body, []byte(idMark))
	if !found || len(rest) < idDigits || string(rest[:runDigits]) != run {
		return 0, 0, false
	}
	connection, err := readHex(rest[runDigits : runDigits+connectionDigits])
	if err != nil {
		return 0, 0, false
	}
	number, err = readHex(rest[runDigits+connectionDigits : idDigits])
	return connection, number, err == nil
}

// NewRun names a run.
func NewRun() string { return rand.Text()[:runDigits] }

func writeHex(place []byte, number int) {
	for i := len(place) - 1; i >= 0; i-- {
		place[i] = "0123456789ABCDEF"[number&0xF]
		number >>= 4
	}
}

func readHex(text []byte) (int, error) {
	number, err := strconv.ParseUint(string(text), 16, 32)
	return int(number), err
}

func writeDecimal(place []byte, number int) {
	for i := len(place) - 1; i >= 0; i-- {
		place[i] = byte('0' + number%10)
		number /= 10
	}
}
