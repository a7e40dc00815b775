package mock_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/greenapi/mock"
)

// ask sends a request and returns status and body.
func ask(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestAProgramOutsideCanPlayWithIt(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(mock.New(mock.Options{Token: "the-token", MaxWait: time.Millisecond}))
	t.Cleanup(server.Close)
	const body = `{"instanceData":{"idInstance":7},"a":1}`
	if status, answer := ask(t, "POST", server.URL+"/mock/push", body); status != 200 {
		t.Fatalf("push: %d %s", status, answer)
	}
	receive := server.URL + "/v3/waInstance7/ReceiveNotification/the-token"
	if status, answer := ask(t, "GET", receive, ""); status != 200 || answer != `{"receiptId":1234567,"body":`+body+`}` {
		t.Errorf("receive: %d %s", status, answer)
	}
	if status, _ := ask(t, "PUT", server.URL+"/mock/faults/7", `[{"name":"no such"}]`); status != 400 {
		t.Errorf("a fault that there is not: %d", status)
	}
	if status, _ := ask(t, "PUT", server.URL+"/mock/faults/7", `[{"name":"466","times":1}]`); status != 200 {
		t.Errorf("a fault: %d", status)
	}
	if status, _ := ask(t, "GET", receive, ""); status != 466 {
		t.Errorf("with the fault: %d", status)
	}
	ask(t, "POST", server.URL+"/waInstance7/sendMessage/the-token", `{"message":"hello"}`)
	_, answer := ask(t, "GET", server.URL+"/mock/instances/7", "")
	var seen struct {
		Waiting int
		Calls   map[string]int
		Sent    []struct{ Method, Body string }
	}
	if err := json.Unmarshal([]byte(answer), &seen); err != nil || seen.Waiting != 1 || seen.Calls["receiveNotification"] != 2 ||
		len(seen.Sent) != 1 || seen.Sent[0].Body != `{"message":"hello"}` {
		t.Errorf("described as %s, error %v", answer, err)
	}
}

func TestItRefusesAsTheRealOneDoes(t *testing.T) {
	t.Parallel()
	api := mock.New(mock.Options{Limits: true, MaxWait: time.Millisecond})
	instance := api.Add("7", "the-token")
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	for path, want := range map[string]int{
		"/waInstance7/receiveNotification/wrong": 401, "/waInstance8/receiveNotification/the-token": 403, "/nothing": 404,
		"/waInstance7/deleteNotification/the-token/1": 404, // with GET
	} {
		if status, _ := ask(t, "GET", server.URL+path, ""); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if status, _ := ask(t, "DELETE", server.URL+"/waInstance7/deleteNotification/the-token/x", ""); status != 400 {
		t.Errorf("a receipt that is no number: %d", status)
	}
	instance.Set(map[string]string{"webhookUrl": "https://a/"})
	if status, answer := ask(t, "GET", server.URL+"/waInstance7/receiveNotification/the-token", ""); status != 400 || !strings.Contains(answer, "custom webhook url is set") {
		t.Errorf("with a webhook: %d %s", status, answer)
	}
	for range 1000 { // A loaded machine may take a second for a call.
		if status, _ := ask(t, "GET", server.URL+"/waInstance7/getSettings/the-token", ""); status == 429 {
			return
		}
	}
	t.Error("any number of calls a second")
}
