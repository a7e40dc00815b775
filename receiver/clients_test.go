package receiver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// loop is how an official client asks and deletes. It dies where the client does. Source: the clients' code, and tries with
// them.
type loop struct {
	receive, delete string // paths, with %s for what differs
	body            string // of the request
	contentType     string // of the deletion
	newConnections  bool
	receiptInBody   bool
	// parse returns receipt and body, an empty receipt for nothing; an error is what the client dies of.
	parse func(status int, body []byte) (receipt string, notification []byte, err error)
}

// strict reads an answer as the Go chatbot does: every text but null is read as a notification.
func strict(_ int, body []byte) (string, []byte, error) {
	if string(body) == "null" || len(body) == 0 {
		return "", nil, nil
	}
	var received struct {
		ReceiptID *float64        `json:"receiptId"`
		Body      json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(body, &received); err != nil || received.ReceiptID == nil || received.Body == nil {
		return "", nil, fmt.Errorf("panic: %w in %q", err, body)
	}
	return strconv.Itoa(int(*received.ReceiptID)), received.Body, nil
}

// lenient looks at the status first, as the clients in scripting languages do. An empty body with status 200 ends Python's.
func lenient(status int, body []byte) (string, []byte, error) {
	if status != http.StatusOK {
		return "", nil, nil
	}
	var received *head
	if err := json.Unmarshal(body, &received); err != nil {
		return "", nil, fmt.Errorf("exception: %w in %q", err, body)
	}
	if received == nil {
		return "", nil, nil
	}
	if received.ReceiptID <= 0 || received.Body == nil {
		return "", nil, fmt.Errorf("KeyError in %q", body)
	}
	return strconv.Itoa(int(received.ReceiptID)), received.Body, nil
}

func loops() map[string]loop {
	const waInstance = "/waInstance" + id
	return map[string]loop{
		"go chatbot": {
			receive: waInstance + "/receiveNotification/" + botToken, delete: waInstance + "/deleteNotification/" + botToken + "/%s",
			body: "{}", newConnections: true, parse: strict,
		},
		"python": {
			receive: waInstance + "/receiveNotification/" + botToken, delete: waInstance + "/deleteNotification/" + botToken + "/%s", parse: lenient,
		},
		"max python": {
			receive: "/v3" + waInstance + "/receiveNotification/" + botToken, delete: "/v3" + waInstance + "/deleteNotification/" + botToken + "/%s", parse: lenient,
		},
		"asynchronous python": {
			receive: waInstance + "/receiveNotification/" + botToken, delete: waInstance + "/deleteNotification/" + botToken + "/",
			receiptInBody: true, newConnections: true, parse: lenient,
		},
		"javascript": {
			receive: waInstance + "/receiveNotification/" + botToken + "?receiveTimeout=5", delete: waInstance + "/deleteNotification/" + botToken + "/%s", parse: lenient,
		},
		"php": {
			receive: waInstance + "/ReceiveNotification/" + botToken, delete: waInstance + "/DeleteNotification/" + botToken + "/%s",
			contentType: "application/x-www-form-urlencoded", newConnections: true, parse: lenient,
		},
		"java": {
			receive: waInstance + "/receiveNotification/" + botToken, delete: waInstance + "/deleteNotification/" + botToken + "/%s", parse: lenient,
		},
	}
}

// run asks until so many notifications were deleted, and returns them. An answer that is cut off is no answer. Now and then it
// crashes after its handler: then it does not delete.
func (l loop) run(p *place, count int, between func(done int)) (handled []string) {
	p.t.Helper()
	for asked := 0; len(slices.Compact(slices.Clone(handled))) < count || asked == 0; asked++ {
		status, body, err := l.ask(p, http.MethodGet, l.receive, l.body, "application/json")
		if err != nil {
			continue
		}
		receipt, notification, err := l.parse(status, body)
		if err != nil {
			p.t.Fatalf("the client dies: status %d: %v", status, err)
		}
		if receipt == "" {
			continue
		}
		handled = append(handled, string(notification))
		between(len(handled))
		if asked%10 == 3 {
			continue
		}
		path, sent := fmt.Sprintf(strings.ReplaceAll(l.delete, "%s", "%[1]s"), receipt), ""
		if l.receiptInBody {
			path, sent = l.delete, receipt
		}
		_, _, _ = l.ask(p, http.MethodDelete, path, sent, l.contentType) // No client looks at the answer.
	}
	return slices.Compact(handled)
}

func (l loop) ask(p *place, method, path, body, contentType string) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.http.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", contentType)
	request.Close = l.newConnections
	response, err := p.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// Each official client gets everything, in order, to the byte, while receivers and NATS come and go.
func TestOfficialClientsLoseNothing(t *testing.T) {
	t.Parallel()
	const count = 24
	for name, client := range loops() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, crm())
			p.begin()
			pushed := p.push(count)
			got := client.run(p, count, func(done int) {
				switch done {
				case 8:
					p.start()
				case 16:
					p.server.Restart(t)
				}
			})
			if !slices.Equal(got, pushed) {
				t.Errorf("got  %q\nwant %q", got, pushed)
			}
		})
	}
}
