package mock

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxBody bounds what a request may send, in bytes.
const maxBody = 64 << 20

// Sent is a call of a method that the mock does nothing for but keep it, such as sendMessage.
type Sent struct {
	Verb, Method, Query string
	ContentType         string
	Header              http.Header
	Body                []byte
	// ID is the message's, as the call was answered. At is when.
	ID string
	At time.Time
}

// Sent returns the calls of all other methods, the oldest first.
func (i *Instance) Sent() []Sent {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return slices.Clone(i.sent)
}

// Calls returns how often a method was called, whatever came of it.
func (i *Instance) Calls(method string) int {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.calls[method]
}

// LastQuery returns the query of the newest receiveNotification, as it was written.
func (i *Instance) LastQuery() string {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.lastQuery
}

func (i *Instance) count(method string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.calls[method]++
}

// Settings returns the settings as they are.
func (i *Instance) Settings() map[string]string {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return maps.Clone(i.settings)
}

// Set changes settings as setSettings does.
func (i *Instance) Set(changes map[string]string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	maps.Copy(i.settings, changes)
}

// State returns the state of the instance.
func (i *Instance) State() string {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.state
}

// SetState changes the state of the instance.
func (i *Instance) SetState(state string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.state = state
}

func (i *Instance) setting(name string) string {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.settings[name]
}

func (i *Instance) anyKindOn() bool {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for name, value := range i.settings {
		if strings.HasSuffix(name, "Webhook") && value == "yes" {
			return true
		}
	}
	return false
}

func (i *Instance) setSettings(w http.ResponseWriter, r *http.Request) {
	var changes map[string]any
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil || json.Unmarshal(body, &changes) != nil {
		text(w, http.StatusBadRequest, "Bad Request Data")
		return
	}
	texts := map[string]string{}
	for name, value := range changes {
		if text, ok := value.(string); ok {
			texts[name] = text
		}
	}
	i.Set(texts)
	document(w, map[string]bool{"saveSettings": true})
}

// other keeps the call and answers as the method is answered.
func (i *Instance) other(w http.ResponseWriter, call request, fault Fault) {
	body, err := io.ReadAll(io.LimitReader(call.http.Body, maxBody))
	if err != nil {
		text(w, http.StatusBadRequest, "Bad Request Data")
		return
	}
	i.mutex.Lock()
	id := fmt.Sprintf("3EB0C767D097B7C7%04X", len(i.sent))
	i.sent = append(i.sent, Sent{
		Verb: call.http.Method, Method: call.method, Query: call.http.URL.RawQuery,
		ContentType: call.http.Header.Get("Content-Type"), Header: call.http.Header.Clone(), Body: body, ID: id, At: time.Now(),
	})
	i.mutex.Unlock()
	if fault.Name == FaultLoseAnswer {
		cut()
	}
	switch call.method {
	case "forwardMessages":
		document(w, map[string][]string{"messages": {id}})
	case "readChat":
		document(w, map[string]bool{"setRead": true})
	case "checkWhatsapp":
		document(w, map[string]bool{"existsWhatsapp": true})
	default:
		document(w, map[string]string{"idMessage": id})
	}
}

// message is what of a message that was sent is told again.
type message struct {
	ChatID string `json:"chatId"`
	Text   string `json:"message"`
}

// messages returns the messages that were sent, those alone that wait or those alone that do not.
func (i *Instance) messages(waiting bool) (all []Sent, texts []message) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for _, one := range i.sent {
		var read message
		if i.held == waiting && json.Unmarshal(one.Body, &read) == nil && read.ChatID != "" {
			all, texts = append(all, one), append(texts, read)
		}
	}
	return all, texts
}

// Hold has the messages that are sent wait in the queue, or be in the journal again.
func (i *Instance) Hold(held bool) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.held = held
}

// showQueue answers showMessagesQueue, without the first message as the real one does: green-api/issues#714.
func (i *Instance) showQueue(w http.ResponseWriter) {
	type entry struct {
		ID   string  `json:"messageID"`
		Type string  `json:"type"`
		Body message `json:"body"`
	}
	all, texts := i.messages(true)
	queue := []entry{}
	for n := range all {
		if n > 0 {
			queue = append(queue, entry{all[n].ID, all[n].Method, texts[n]})
		}
	}
	document(w, queue)
}

// showJournal answers lastOutgoingMessages.
func (i *Instance) showJournal(w http.ResponseWriter) {
	type entry struct {
		Type      string `json:"type"`
		ID        string `json:"idMessage"`
		Timestamp int64  `json:"timestamp"`
		Kind      string `json:"typeMessage"`
		ChatID    string `json:"chatId"`
		Text      string `json:"textMessage"`
		Status    string `json:"statusMessage"`
		ByAPI     bool   `json:"sendByApi"`
	}
	all, texts := i.messages(false)
	journal := []entry{}
	for n := range all {
		journal = append(journal, entry{"outgoing", all[n].ID, all[n].At.Unix(), "textMessage", texts[n].ChatID, texts[n].Text, "delivered", true})
	}
	slices.Reverse(journal) // The newest comes first.
	document(w, journal)
}
