package mock

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxBody bounds what a request may send, in bytes.
const maxBody = 64 << 20

// Sent is a call of a method that the mock knows nothing of, such as sendMessage.
type Sent struct {
	Verb, Method, Query string
	ContentType         string
	Header              http.Header
	Body                []byte
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

// other keeps the call and answers as sendMessage is answered.
func (i *Instance) other(w http.ResponseWriter, call request) {
	body, err := io.ReadAll(io.LimitReader(call.http.Body, maxBody))
	if err != nil {
		text(w, http.StatusBadRequest, "Bad Request Data")
		return
	}
	i.mutex.Lock()
	i.sent = append(i.sent, Sent{
		Verb: call.http.Method, Method: call.method, Query: call.http.URL.RawQuery,
		ContentType: call.http.Header.Get("Content-Type"), Header: call.http.Header.Clone(), Body: body,
	})
	i.mutex.Unlock()
	document(w, map[string]string{"idMessage": "3EB0C767D097B7C7C030"})
}
