package mock

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The bounds of receiveTimeout, and what it is without one. Source:
// https://green-api.com/en/docs/api/receiving/technology-http-api/ReceiveNotification/
const (
	minWait = 5 * time.Second
	maxWait = time.Minute
)

// Instance is an account with its queue. Its methods are safe for concurrent use.
type Instance struct {
	api       *API
	id, token string

	mutex    sync.Mutex
	queue    []entry
	arrived  chan struct{} // closed and made anew when something comes
	receipt  int
	settings map[string]string
	state    string
	sent     []Sent
	held     bool // whether what is sent waits
	faults   []Fault
	calls    map[string]int
	deleted  int
	// lastQuery is that of the newest receiveNotification.
	lastQuery string
	cleared   time.Time
	spent     map[string][]time.Time
}

// entry is a notification in the queue.
type entry struct {
	receipt int
	body    []byte
}

func newInstance(api *API, id, token string) *Instance {
	settings := map[string]string{"wid": id + "@c.us", "webhookUrl": "", "webhookUrlToken": "", "delaySendMessagesMilliseconds": "1000"}
	for _, kind := range []string{
		"incomingWebhook", "outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "stateWebhook",
		"pollMessageWebhook", "incomingCallWebhook", "editedMessageWebhook", "deletedMessageWebhook", "deviceWebhook",
	} {
		settings[kind] = "yes"
	}
	return &Instance{
		api: api, id: id, token: token, arrived: make(chan struct{}), settings: settings, state: "authorized",
		receipt: 1234566, calls: map[string]int{}, spent: map[string][]time.Time{},
	}
}

// Push puts a notification at the end of the queue.
func (i *Instance) Push(body []byte) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.receipt++
	i.queue = append(i.queue, entry{receipt: i.receipt, body: slices.Clone(body)})
	close(i.arrived)
	i.arrived = make(chan struct{})
}

// Waiting returns how many notifications are in the queue.
func (i *Instance) Waiting() int {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return len(i.queue)
}

// Deleted returns how many notifications were deleted.
func (i *Instance) Deleted() int {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.deleted
}

// receive hands out the head of the queue, and waits for one.
func (a *API) receive(w http.ResponseWriter, call request, fault Fault) {
	i := call.instance
	i.mutex.Lock()
	i.lastQuery = call.http.URL.RawQuery
	i.mutex.Unlock()
	if i.setting("webhookUrl") != "" {
		text(w, http.StatusBadRequest, "Message cannot be received because custom webhook url is set. "+
			"Please clear webhook url and wait for about 1 minute")
		return
	}
	wait := minWait
	if seconds, err := strconv.Atoi(call.http.URL.Query().Get("receiveTimeout")); err == nil {
		wait = min(max(time.Duration(seconds)*time.Second, minWait), maxWait)
	}
	if a.options.MaxWait > 0 {
		wait = min(wait, a.options.MaxWait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		head, arrived := i.head()
		switch {
		case head != nil:
			fault.handOut(w, *head)
			return
		case !i.anyKindOn():
			a.empty(w) // At once, as the real one was seen to do.
			return
		}
		select {
		case <-arrived:
		case <-timer.C:
			a.empty(w)
			return
		case <-call.http.Context().Done():
			return
		}
	}
}

// head returns the first of the queue, nil when it is empty, and what is closed when something comes.
func (i *Instance) head() (*entry, chan struct{}) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if len(i.queue) == 0 {
		return nil, i.arrived
	}
	if i.api.options.ReceiptPerDelivery {
		i.receipt++
		i.queue[0].receipt = i.receipt
	}
	head := i.queue[0]
	return &head, i.arrived
}

func (a *API) empty(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch a.options.Empty {
	case "none":
		w.Header().Set("Content-Length", "0")
	case "newline":
		_, _ = w.Write([]byte("null\n"))
	default:
		_, _ = w.Write([]byte("null"))
	}
}

// delete takes the head out when the receipt is its.
func (i *Instance) delete(w http.ResponseWriter, receipt string, fault Fault) {
	number, err := strconv.Atoi(receipt)
	if err != nil {
		text(w, http.StatusBadRequest, "Parameter receiptId must be a Number")
		return
	}
	i.mutex.Lock()
	found := len(i.queue) > 0 && i.queue[0].receipt == number
	if found && fault.Name != FaultLieDelete {
		i.queue = i.queue[1:]
		i.deleted++
	}
	i.mutex.Unlock()
	if fault.Name == FaultLoseDelete {
		cut()
		return
	}
	document(w, map[string]any{"result": found, "reason": ""})
}

// clear empties the queue, once a minute.
func (i *Instance) clear(w http.ResponseWriter) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if left := time.Minute - time.Since(i.cleared); left > 0 {
		document(w, map[string]any{"isCleared": false, "reason": "Too many requests", "leftTime": int(left / time.Second)})
		return
	}
	i.cleared, i.queue = time.Now(), nil
	document(w, map[string]any{"isCleared": true, "reason": ""})
}

// within counts a call and reports whether it is within the documented rates. Source:
// https://green-api.com/en/docs/api/ratelimiter/
func (i *Instance) within(method string) bool {
	limit := map[string]int{
		"receiveNotification": 100, "deleteNotification": 100, "sendMessage": 50, "sendFileByUrl": 50, "sendPoll": 50,
		"sendLocation": 50, "sendContact": 50, "forwardMessages": 50, "readChat": 10, "checkWhatsapp": 10,
		"getSettings": 1, "setSettings": 1, "getStateInstance": 1, "getWebhooksCount": 1, "clearWebhooksQueue": 1,
		"showMessagesQueue": 1, "lastOutgoingMessages": 1,
	}[method]
	if limit == 0 {
		return true
	}
	now := time.Now()
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.spent[method] = slices.DeleteFunc(i.spent[method], func(at time.Time) bool { return now.Sub(at) > time.Second })
	if len(i.spent[method]) >= limit {
		return false
	}
	i.spent[method] = append(i.spent[method], now)
	return true
}
