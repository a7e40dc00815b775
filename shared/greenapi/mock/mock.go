// Package mock plays GREEN-API's side of its HTTP API: the queue of each instance, long polls, settings, and everything that
// was seen to go wrong. It is for tests and for trying out without an account, and it is a server for loopback: whoever
// reaches it may do anything.
//
// It is strict where a client could rely on something that the real API does not promise, and it counts what it did, so that
// a test can hold what was handed out against what was stored.
//
// Where to look:
//
//	mock.go      the server, its instances, and the paths
//	queue.go     receiveNotification, deleteNotification, the counts
//	account.go   settings, state, messages that are sent, their queue and their journal
//	faults.go    what goes wrong, by name
//	control.go   the paths by which a program outside pushes notifications and chooses faults
package mock

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are how the API behaves. The zero value is as documented.
type Options struct {
	// Token is that of instances which nobody added: they come into being when they are named. Empty refuses them.
	Token string
	// Faults are what goes wrong with each instance at first.
	Faults []Fault
	// Empty is what an empty queue is answered: "null" (also for the empty Empty), "none" for an empty body, "newline" for
	// null with a newline.
	Empty string
	// ReceiptPerDelivery gives a notification another receipt each time it is handed out. Whether the real one does is not
	// known.
	ReceiptPerDelivery bool
	// Limits refuses more than 100 receives and deletions and one call of the other methods a second, per instance.
	Limits bool
	// MaxWait shortens long polls, for tests; 0 leaves them as asked for.
	MaxWait time.Duration
}

// API is the server. It is safe for concurrent use.
type API struct {
	options   Options
	mutex     sync.Mutex
	instances map[string]*Instance
	chance    func() float64
}

// New makes a server without instances.
func New(options Options) *API {
	return &API{options: options, instances: map[string]*Instance{}, chance: seeded()}
}

// Add makes an instance with a token, with everything switched on, and returns it.
func (a *API) Add(id, token string) *Instance {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if present := a.instances[id]; present != nil {
		return present
	}
	added := newInstance(a, id, token)
	added.faults = slices.Clone(a.options.Faults)
	a.instances[id] = added
	return added
}

// Instance returns the instance with the id, nil where there is none. It makes those that may come into being.
func (a *API) Instance(id string) *Instance {
	a.mutex.Lock()
	present := a.instances[id]
	a.mutex.Unlock()
	if present == nil && id != "" && a.options.Token != "" {
		return a.Add(id, a.options.Token)
	}
	return present
}

// Waiting returns how many notifications are in all queues.
func (a *API) Waiting() (count int) {
	for _, instance := range a.all() {
		count += instance.Waiting()
	}
	return count
}

// all returns all instances, by their numbers.
func (a *API) all() []*Instance {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return slices.SortedFunc(maps.Values(a.instances), func(a, b *Instance) int { return strings.Compare(a.id, b.id) })
}

// request is one call of a method.
type request struct {
	http     *http.Request
	instance *Instance
	method   string
	rest     string // what follows the token in the path
}

// apiPath is what a path of the API looks like: https://green-api.com/en/docs/api/. The prefix is MAX's.
var apiPath = regexp.MustCompile(`^/(?:v3/)?waInstance([^/]*)/([A-Za-z]+)/([^/]*)(?:/(.*))?$`)

// ServeHTTP answers calls of the API, and below /mock/ those of whoever plays with it.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/mock/"); ok {
		a.control(w, r, rest)
		return
	}
	found := apiPath.FindStringSubmatch(r.URL.Path)
	if found == nil {
		page(w, http.StatusNotFound)
		return
	}
	instance := a.Instance(found[1])
	if instance == nil {
		page(w, http.StatusForbidden)
		return
	}
	if found[3] != instance.token {
		w.WriteHeader(http.StatusUnauthorized) // The real one sends no body.
		return
	}
	method := strings.ToLower(found[2][:1]) + found[2][1:]
	call := request{http: r, instance: instance, method: method, rest: strings.TrimSuffix(found[4], "/")}
	instance.count(method)
	if a.options.Limits && !instance.within(method) {
		text(w, http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	fault := instance.fault(method)
	if fault.before(w, r) {
		return
	}
	a.answer(w, call, fault)
}

func (a *API) answer(w http.ResponseWriter, call request, fault Fault) {
	verb := cmp.Or(map[string]string{
		"deleteNotification": http.MethodDelete, "clearWebhooksQueue": http.MethodDelete, "setSettings": http.MethodPost,
	}[call.method], call.http.Method)
	if call.http.Method != verb {
		page(w, http.StatusNotFound)
		return
	}
	switch call.method {
	case "receiveNotification":
		a.receive(w, call, fault)
	case "deleteNotification":
		call.instance.delete(w, call.rest, fault)
	case "getWebhooksCount":
		document(w, map[string]int{"count": call.instance.Waiting()})
	case "clearWebhooksQueue":
		call.instance.clear(w)
	case "getSettings":
		document(w, call.instance.Settings())
	case "setSettings":
		call.instance.setSettings(w, call.http)
	case "getStateInstance":
		document(w, map[string]string{"stateInstance": call.instance.State()})
	case "showMessagesQueue":
		call.instance.showQueue(w)
	case "lastOutgoingMessages":
		call.instance.showJournal(w)
	default:
		call.instance.other(w, call, fault)
	}
}

// document answers with JSON, as the real one does: no newline behind it.
func document(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // Only what this package makes is written.
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body)
}

func text(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(sentence))
}

// page answers with HTML, as the servers in front of the real one do.
func page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<html><head><title>" + http.StatusText(status) + "</title></head><body></body></html>\r\n"))
}
