package source_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// configured makes the one source of a configuration.
func configured(t *testing.T, name string, written config.Source) *source.Configured {
	t.Helper()
	if written.Auth == "" && len(written.Secrets) == 0 {
		written.Secrets = []config.Credential{credential(secret)}
	}
	sources, err := source.Configure(map[string]config.Source{name: written})
	if err != nil {
		t.Fatal(err)
	}
	return sources[0]
}

// asking is a request to a source.
func asking(method, query, contentType, body string) *proof.Request {
	values, err := url.ParseQuery(query)
	if err != nil {
		panic(err)
	}
	return &proof.Request{Method: method, Query: values, Header: http.Header{"Content-Type": {contentType}, "X-Kind": {"ping"}}, Body: []byte(body)}
}

func TestChallengesAreAnsweredWithWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	const get, head, post, js, form = http.MethodGet, http.MethodHead, http.MethodPost, "application/json", "application/x-www-form-urlencoded"
	meta := config.Challenge{
		Method: get, When: []string{"query:hub.mode=subscribe"}, Echo: "query:hub.challenge", PasswordAt: "query:hub.verify_token",
		Password: config.NewSecret("agreed-on"),
	}
	zoom := config.Challenge{
		Method: post, When: []string{"/event=endpoint.url_validation"}, Echo: "/payload/plainToken",
		Answer: `{"plainToken":"{echo}","encryptedToken":"{hmac}"}`, ContentType: "application/json",
	}
	constant := config.Challenge{Method: post, When: []string{"/type=confirmation"}, Answer: "f00d"}
	hmacOfAbc := proofDigest(t, "a\"bc")
	for name, test := range map[string]struct {
		provider  string
		challenge config.Challenge
		request   *proof.Request
		want      string // "" for a request that is no challenge
		refused   bool
	}{
		"Slack":                         {"slack", config.Challenge{}, asking(post, "", js, `{"type":"url_verification","challenge":"abc"}`), "abc", false},
		"Slack, another type":           {"slack", config.Challenge{}, asking(post, "", js, `{"type":"event_callback","challenge":"abc"}`), "", false},
		"Slack, without a text":         {"slack", config.Challenge{}, asking(post, "", js, `{"type":"url_verification"}`), "", false},
		"Slack, no JSON":                {"slack", config.Challenge{}, asking(post, "", js, `{`), "", false},
		"Slack, nothing":                {"slack", config.Challenge{}, asking(post, "", js, ``), "", false},
		"Dropbox":                       {"dropbox", config.Challenge{}, asking(get, "challenge=%3Cx%3E", "", ""), "<x>", false},
		"Dropbox, by HEAD":              {"dropbox", config.Challenge{}, asking(head, "challenge=x", "", ""), "x", false},
		"Dropbox, nothing":              {"dropbox", config.Challenge{}, asking(get, "challenge=", "", ""), "", false},
		"Dropbox, more than enough":     {"dropbox", config.Challenge{}, asking(get, "challenge="+strings.Repeat("x", 2000), "", ""), "", false},
		"Dropbox, a notification":       {"dropbox", config.Challenge{}, asking(post, "challenge=x", js, "{}"), "", false},
		"a token":                       {"generic", meta, asking(get, "hub.mode=subscribe&hub.challenge=77&hub.verify_token=agreed-on", "", ""), "77", false},
		"another token":                 {"generic", meta, asking(get, "hub.mode=subscribe&hub.challenge=77&hub.verify_token=guessed", "", ""), "", true},
		"no token":                      {"generic", meta, asking(get, "hub.mode=subscribe&hub.challenge=77", "", ""), "", true},
		"another mode":                  {"generic", meta, asking(get, "hub.mode=unsubscribe&hub.challenge=77", "", ""), "", false},
		"an HMAC":                       {"github", zoom, asking(post, "", js, `{"event":"endpoint.url_validation","payload":{"plainToken":"a\"bc"}}`), `{"plainToken":"a\"bc","encryptedToken":"` + hmacOfAbc + `"}`, false},
		"a constant":                    {"generic", constant, asking(post, "", js, `{"type":"confirmation","group_id":1}`), "f00d", false},
		"a constant, in a form":         {"generic", constant, asking(post, "", form, "group_id=1&type=confirm%61tion"), "f00d", false},
		"a constant, another type":      {"generic", constant, asking(post, "", js, `{"type":"message_new"}`), "", false},
		"a constant, in a large body":   {"generic", constant, asking(post, "", js, `{"type":"confirmation"}`+strings.Repeat(" ", 1<<17)), "", false},
		"a field that must be there":    {"generic", config.Challenge{Method: post, When: []string{"/webhook_id"}, Answer: "pong"}, asking(post, "", form, "webhook_id=7"), "pong", false},
		"a field that is not there":     {"generic", config.Challenge{Method: post, When: []string{"/webhook_id"}, Answer: "pong"}, asking(post, "", js, `{"id":7}`), "", false},
		"a number and a boolean":        {"generic", config.Challenge{Method: post, When: []string{"/type=1", "/ping=true"}, Answer: "pong"}, asking(post, "", js, `{"type":1,"ping":true}`), "pong", false},
		"a header":                      {"generic", config.Challenge{Method: post, When: []string{"header:X-Kind=ping"}, Answer: "pong"}, asking(post, "", js, `{}`), "pong", false},
		"another answer than the usual": {"dropbox", config.Challenge{Answer: "<{echo}>"}, asking(get, "challenge=x", "", ""), "<x>", false},
	} {
		written := config.Source{Provider: test.provider, Challenge: test.challenge}
		if test.provider == "generic" {
			written.Read.Type = "/type"
		}
		reply, ok, err := configured(t, "one", written).Challenged(test.request, 0)
		if (err != nil) != test.refused || ok != (test.want != "" || test.refused) || reply.Body != test.want {
			t.Errorf("%s: answered %q, %t (%v), want %q", name, reply.Body, ok, err, test.want)
		}
	}
}

// proofDigest is the HMAC of a text by the secret of these tests.
func proofDigest(t *testing.T, text string) string {
	t.Helper()
	v, err := proof.NewVerifier(source.Providers()["github"].Proof, proof.Secret{Text: secret})
	if err != nil {
		t.Fatal(err)
	}
	return v.Digest(0, text)
}

func TestHeadIsAnsweredWhereNothingIsAskedFor(t *testing.T) {
	t.Parallel()
	board := configured(t, "board", config.Source{Provider: "github", Challenge: config.Challenge{Method: http.MethodGet}})
	reply, ok, err := board.Challenged(asking(http.MethodHead, "", "", ""), 0)
	if !ok || err != nil || reply.Status != http.StatusOK || reply.Body != "" {
		t.Errorf("answered %+v, %t (%v)", reply, ok, err)
	}
}

func TestNotificationsAreAnsweredAsTheSenderWants(t *testing.T) {
	t.Parallel()
	one := configured(t, "one", config.Source{Provider: "github", Answer: config.Answer{Body: "ok"}})
	if reply, ok := one.Answered(asking(http.MethodPost, "", "", "{}")); !ok || reply != (source.Reply{Status: 200, ContentType: "text/plain; charset=utf-8", Body: "ok"}) {
		t.Errorf("answered %+v", reply)
	}
	empty := configured(t, "one", config.Source{Provider: "github", Answer: config.Answer{Status: 204}})
	if reply, ok := empty.Answered(asking(http.MethodPost, "", "", "{}")); !ok || reply.Status != 204 || reply.Body != "" {
		t.Errorf("answered %+v", reply)
	}
	if _, ok := configured(t, "one", config.Source{Provider: "github"}).Answered(asking(http.MethodPost, "", "", "{}")); ok {
		t.Error("who wants nothing of his own does not get the receipt")
	}
}

func TestChallengesAndAnswersThatCanNotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		"challenge: {echo: 'query:a'}":                                              "challenge.method is missing",
		"challenge: {method: POST}":                                                 "challenge.when is missing",
		"challenge: {method: GET, when: [/a=1]}":                                    `"/a=1" is in the body, and a GET has none`,
		"challenge: {method: GET, echo: a}":                                         `challenge.echo: "a" is no place in a request`,
		"challenge: {method: GET, when: ['header: =1']}":                            "is no place in a request",
		"challenge: {method: GET, unsigned: true}":                                  "a GET is never signed",
		"challenge: {method: GET, password: secret-0123456789}":                     "challenge.password needs challenge.password_at",
		"challenge: {method: GET, password_at: 'query:t'}":                          "challenge.password_at needs challenge.password",
		"challenge: {method: GET, answer: 'x{echo}'}":                               "challenge.echo must say where the text is",
		"auth: token, challenge: {method: GET, echo: 'query:a', answer: {hmac}}":    "must be a single value",
		"challenge: {method: GET, echo: 'query:a', answer: '{hmac}'}":               "needs a source with an HMAC",
		"challenge: {method: GET, password_at: 'query:t', password_file: /nowhere}": "no such file",
		"answer: {content_type: text/html}":                                         "has a content type and no body",
		"answer: {status: 204, body: x}":                                            "can't have",
		"answer: {status: 302}":                                                     "more than the maximum",
	} {
		if got := faults(t, "sources: {generic: {"+good+", auth: token, read: {type: /a}, "+strings.TrimPrefix(fields, "auth: token, ")+"}}"); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", fields, got, want)
		}
	}
}
