package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/greenapi/mock"
)

// upstream serves GREEN-API's side, and a place whose bot's calls go there.
func upstream(t *testing.T, forward string) (*place, *mock.Instance) {
	t.Helper()
	api := mock.New(mock.Options{})
	instance := api.Add(id, apiToken)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	bot := crm()
	bot.Forward = forward
	p := newPlace(t, bot)
	p.sources["green-api"].Instances[id] = config.Instance{
		ID: id, APIURL: server.URL, MediaURL: server.URL + "/v3", Token: config.NewSecret(apiToken),
	}
	return p, instance
}

func TestOtherMethodsGoOnWithTheInstancesOwnToken(t *testing.T) {
	t.Parallel()
	p, instance := upstream(t, config.ForwardGuarded)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.http.URL+"/v3/waInstance"+id+"/sendMessage/"+botToken+"?a=%20b",
		strings.NewReader(`{"chatId":"7@c.us"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json; charset=x")
	for _, name := range []string{"Authorization", "Cookie", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"} {
		request.Header.Set(name, "secret")
	}
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	sent := instance.Sent()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/json; charset=utf-8" || len(sent) != 1 {
		t.Fatalf("status %d, sent %+v", response.StatusCode, sent)
	}
	if one := sent[0]; one.Method != "sendMessage" || string(one.Body) != `{"chatId":"7@c.us"}` || one.Query != "a=%20b" ||
		one.ContentType != "application/json; charset=x" || strings.Contains(headerText(one.Header), "secret") {
		t.Errorf("sent %+v", one)
	}
}

func TestAnswersOfGreenAPIComeThroughAndNothingElse(t *testing.T) {
	t.Parallel()
	p, instance := upstream(t, config.ForwardGuarded)
	if status, answer, _ := p.ask("POST", "/waInstance"+id+"/uploadFile/"+botToken, "file"); status != 200 || !strings.Contains(answer, "idMessage") {
		t.Errorf("a file: %d %q", status, answer)
	}
	for fault, want := range map[string]int{"429": 429, "466": 466, mock.FaultHTML: 502, mock.FaultCut: 502} {
		instance.Faults(mock.Fault{Name: fault})
		if status, answer, _ := p.ask("POST", "/waInstance"+id+"/sendMessage/"+botToken, "{}"); status != want || strings.Contains(answer, apiToken) ||
			fault == mock.FaultCut && answer != "" {
			t.Errorf("%s: %d %q", fault, status, answer)
		}
	}
	instance.Faults()
	for _, method := range []string{"reboot", "logout", "qr"} {
		if status, _, _ := p.ask("GET", "/waInstance"+id+"/"+method+"/"+botToken, ""); status != http.StatusNotImplemented || instance.Calls(method) != 0 {
			t.Errorf("%s: status %d", method, status)
		}
	}
}

func headerText(header http.Header) string {
	var text strings.Builder
	_ = header.Write(&text)
	return text.String()
}

// The official JavaScript chatbot clears the webhook and switches kinds off when it starts.
func TestBotTakesNoNotificationsAwayFromSluice(t *testing.T) {
	t.Parallel()
	p, instance := upstream(t, config.ForwardGuarded)
	instance.Set(map[string]string{"webhookUrl": "https://sluice/", "webhookUrlToken": "of-the-webhook", "incomingWebhook": "no"})
	set := func(body string) (int, string) {
		status, answer, _ := p.ask("POST", "/waInstance"+id+"/setSettings/"+botToken, body)
		return status, answer
	}
	status, answer := set(`{"webhookUrl":"","webhookUrlToken":"","stateWebhook":"no","outgoingWebhook":"no"}`)
	if status != 200 || answer != `{"saveSettings":true}` || instance.Calls("setSettings") != 0 {
		t.Errorf("status %d, answer %q, %d calls", status, answer, instance.Calls("setSettings"))
	}
	if status, answer = set(`{"webhookUrl":"","incomingWebhook":"yes","stateWebhook":"no","delaySendMessagesMilliseconds":"5"}`); status != 200 || answer != `{"saveSettings":true}` {
		t.Errorf("status %d, answer %q", status, answer)
	}
	got := instance.Settings()
	if got["webhookUrl"] != "https://sluice/" || got["stateWebhook"] != "yes" || got["incomingWebhook"] != "yes" || got["delaySendMessagesMilliseconds"] != "5" {
		t.Errorf("settings %v", got)
	}
	_, answer, _ = p.ask("GET", "/waInstance"+id+"/getSettings/"+botToken, "")
	if strings.Contains(answer, "sluice") || strings.Contains(answer, "of-the-webhook") || !strings.Contains(answer, `"wid":"`+id+`@c.us"`) {
		t.Errorf("shown %q", answer)
	}
	if status, answer = set(`no JSON`); status != 400 || answer != "" {
		t.Errorf("no JSON: %d %q", status, answer)
	}
}

func TestBotThatMayDoAllDoesAll(t *testing.T) {
	t.Parallel()
	p, instance := upstream(t, config.ForwardAll)
	p.ask("POST", "/waInstance"+id+"/setSettings/"+botToken, `{"stateWebhook":"no"}`)
	p.ask("GET", "/waInstance"+id+"/reboot/"+botToken, "")
	if instance.Settings()["stateWebhook"] != "no" || instance.Calls("reboot") != 1 {
		t.Errorf("settings %v", instance.Settings())
	}
}

func TestBotWithoutATokenOfItsOwnShowsTheInstances(t *testing.T) {
	t.Parallel()
	bot := crm()
	bot.TokenFile, bot.Tokens = "", nil
	p := newPlace(t, bot)
	p.sources["green-api"].Instances[id] = config.Instance{ID: id, Token: config.NewSecret(apiToken)}
	if status, answer, _ := p.ask("GET", "/waInstance"+id+"/receiveNotification/"+apiToken+"?receiveTimeout=1", ""); status != 200 || answer != "null" {
		t.Errorf("status %d, answer %q", status, answer)
	}
	if status, _, _ := p.ask("GET", "/waInstance7/receiveNotification/"+apiToken, ""); status != 401 {
		t.Errorf("another instance: %d", status)
	}
}
