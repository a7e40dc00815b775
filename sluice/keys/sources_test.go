package keys_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// used returns what the sources of a configuration are used as: what they accept and how requests to them are signed.
func used(t *testing.T, cfg *config.Config) string {
	t.Helper()
	sources, err := source.Configure(cfg.Sources)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, one := range sources {
		fmt.Fprintln(&text, one.Name, one.Provider.Name, one.Path, one.Mapping, one.Header, one.Quarantine, one.PublishDeadline,
			one.Secrets, one.Allow.Allows(netip.MustParseAddr("192.0.2.1")), one.Verifier != nil, one.Answers)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			reply, ok, err := one.Challenged(&proof.Request{
				Method: method, Query: url.Values{"q": {"of-the-query"}, "t": {"tokens"}}, Header: http.Header{"X-T": {"tokens"}},
			}, 0)
			fmt.Fprintln(&text, reply, ok, err)
		}
		if one.Verifier != nil {
			fmt.Fprintln(&text, signed(t, one))
		}
	}
	return text.String()
}

// signed returns the requests of a sender, one for each way, and whether each is accepted at once, ten minutes later, and with
// its signature behind another one.
func signed(t *testing.T, one *source.Configured) string {
	t.Helper()
	var all strings.Builder
	for i, by := range one.Proofs {
		all.WriteString(signedBy(one, by, one.Secrets[min(i, len(one.Secrets)-1)].Text))
	}
	return all.String()
}

func signedBy(one *source.Configured, by proof.Proof, secret string) string {
	now := time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC)
	draft := &proof.Draft{
		URL: &url.URL{Path: one.Path}, Header: http.Header{"X-Id": {"the-id"}}, Body: []byte(`{"a":1}`), At: now,
	}
	if err := by.Sign(draft, secret); err != nil {
		return "can't be signed: " + err.Error()
	}
	accepted := func(header http.Header, at time.Time) bool {
		return one.Verifier.Verify(&proof.Request{
			Method: http.MethodPost, Path: draft.URL.Path, Rest: strings.Trim(strings.TrimPrefix(draft.URL.Path, one.Path), "/"),
			Query: draft.URL.Query(), RawQuery: draft.URL.RawQuery, Header: header, Body: draft.Body, At: at,
		}).OK
	}
	two := draft.Header.Clone()
	for name := range two {
		two.Set(name, "00;"+two.Get(name))
	}
	names := make([]string, 0, len(draft.Header))
	for name, values := range draft.Header {
		names = append(names, name+": "+strings.Join(values, "|"))
	}
	slices.Sort(names)
	return fmt.Sprintln(draft.URL, string(draft.Body), names, accepted(draft.Header, now), accepted(draft.Header, now.Add(10*time.Minute)),
		accepted(two, now))
}

// shop is a configuration with one source that has the fields.
func shop(fields string) string { return "sources: {shop: {" + fields + "}}\n" }

// field is a key and its value behind others; nothing for an empty value.
func field(key, value string) string {
	if value == "" {
		return ""
	}
	return ", " + key + ": " + value
}

func sourceEffects() map[string]effect {
	const (
		token, other = "a-secret-0123456789", "another-secret-0123456789"
		green        = "provider: green-api, token: " + token
		generic      = "provider: generic, token: 'user:" + token + "', read: {type: /type}"
		signature    = generic + ", auth: signature"
		signed       = ", signed: '{timestamp}{body}'"
		timed        = ", signature: {header: X-S" + signed + ", timestamp_header: X-At}"
		prefixed     = "header: X-S, prefix: 'v=', separator: ','" + signed
		secret       = "provider: green-api, secrets: [{secret: " + other
	)
	all := map[string]effect{
		"sources.<source>.provider": differs(used, shop("provider: stripe, token: "+token), shop("provider: slack, token: "+token)),
		"sources.<source>.token":    differs(used, shop("provider: green-api, token: "+token), shop("provider: green-api, token: "+other)),

		"sources.<source>.secrets[].secret": differs(used, shop(green), shop(green+", secrets: [{secret: "+other+"}]")),
		"sources.<source>.secrets[].env":    differs(used, shop(green), shop(green+", secrets: [{env: SECRET}]")),
		"sources.<source>.secrets[].from":   differs(used, shop(secret+"}]"), shop(secret+", from: 2026-07-01}]")),
		"sources.<source>.secrets[].until":  differs(used, shop(secret+"}]"), shop(secret+", until: 2026-05-01}]")),

		"sources.<source>.signature.header": differs(used, shop(signature+", signature: {header: X-S}"), shop(signature+", signature: {header: X-T}")),
		"sources.<source>.signature.timestamp_prefix": differs(used,
			shop(signature+", signature: {"+prefixed+", timestamp_prefix: 't='}"), shop(signature+", signature: {"+prefixed+", timestamp_prefix: 's='}")),

		"sources.<source>.read.type": differs(used, shop("provider: generic, token: "+token+", read: {type: /type}"),
			shop("provider: generic, token: "+token+", read: {type: /kind}")),
	}
	for key, change := range map[string]struct{ rest, from, to string }{
		"path":             {green, "", "/mine"},
		"auth":             {generic, "token", "basic"},
		"tokens":           {green, "", "[" + other + "]"},
		"token_header":     {generic + ", auth: header", "X-A", "X-B"},
		"mode":             {green, "", "quarantine"},
		"allow":            {green, "", "[198.51.100.0/24]"},
		"publish_deadline": {green, "", "1s"},
		"tolerance":        {signature + timed, "1m", "1h"},
		"token_parameter":  {generic + ", auth: query", "key", "token"},
		"token_at":         {generic + ", auth: body", "/key", "/token"},
	} {
		all["sources.<source>."+key] = differs(used, shop(change.rest+field(key, change.from)), shop(change.rest+field(key, change.to)))
	}
	for key, change := range map[string]struct{ rest, from, to string }{
		"prefix":           {"", "", "v1="},
		"separator":        {"", "", "';'"},
		"encoding":         {"", "hex", "base64"},
		"hash":             {"", "sha256", "sha512"},
		"timestamp_at":     {signed, "'query:t'", "'query:s'"},
		"id_at":            {", signed: '{id}{body}'", "'query:t'", "'query:s'"},
		"body_digest_at":   {"", "", "'query:digest'"},
		"signed":           {"", "'{body}'", "'x{body}'"},
		"timestamp_header": {signed, "X-A", "X-B"},
		"id_header":        {", signed: '{id}{body}'", "X-Id", "X-Other"},
	} {
		form := signature + ", signature: {header: X-S" + change.rest
		all["sources.<source>.signature."+key] = differs(used, shop(form+field(key, change.from)+"}"), shop(form+field(key, change.to)+"}"))
	}
	for key, value := range map[string]string{
		"instance": "/account", "id": "[/id]", "order": "/chat", "sent_at": "/at", "object": "/order",
		"window": "5m", "each": "own", "split": "['/events/*']",
	} {
		rest := "provider: generic, token: " + token + ", read: {type: /type"
		if key == "object" {
			rest += ", sent_at: /at"
		}
		all["sources.<source>.read."+key] = differs(used, shop(rest+"}"), shop(rest+field(key, value)+"}"))
	}
	for key, change := range map[string]struct{ rest, from, to string }{
		"method":       {"when: ['query:q']", "GET", "POST"},
		"when":         {"method: GET", "", "['query:none']"},
		"echo":         {"method: GET", "'query:q'", "'query:t'"},
		"password_at":  {"method: GET, password: tokens", "'query:t'", "'query:q'"},
		"password":     {"method: GET, password_at: 'query:t'", "tokens", "another"},
		"answer":       {"method: GET", "", "yes"},
		"content_type": {"method: GET, answer: yes", "", "text/html"},
	} {
		form := green + ", challenge: {" + change.rest
		all["sources.<source>.challenge."+key] = differs(used, shop(form+field(key, change.from)+"}"), shop(form+field(key, change.to)+"}"))
	}
	all["sources.<source>.challenge.password_file"] = func(t *testing.T) {
		t.Helper()
		form := green + ", challenge: {method: GET, password_at: 'query:t', password_file: "
		differs(used, shop(form+write(t, "password", "tokens\n")+"}"), shop(form+write(t, "password", "another\n")+"}"))(t)
	}
	all["sources.<source>.challenge.unsigned"] = differs(func(t *testing.T, cfg *config.Config) string {
		t.Helper()
		sources, err := source.Configure(cfg.Sources)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(sources[0].Challenge.Unsigned)
	}, shop(green+", challenge: {method: POST, when: [/a=1]}"), shop(green+", challenge: {method: POST, when: [/a=1], unsigned: true}"))
	for key, change := range map[string]string{"status": "202", "content_type": "text/html", "body": "ok"} {
		form := green + ", answer: {body: yes"
		if key == "body" {
			form = green + ", answer: {status: 201"
		}
		all["sources.<source>.answer."+key] = differs(used, shop(form+"}"), shop(form+field(key, change)+"}"))
	}
	for key, effect := range schemeEffects(signature) {
		all[key] = effect
	}
	for key, form := range map[string]string{
		"token_file": "token_file: %s", "token_files": "token_files: [%s]", "secrets[].secret_file": "secrets: [{secret_file: %s}]",
	} {
		all["sources.<source>."+key] = func(t *testing.T) {
			t.Helper()
			differs(used, shop(green), shop(green+", "+fmt.Sprintf(form, write(t, "secret", other+"\n"))))(t)
		}
	}
	all["sources.<source>.certificates"] = func(t *testing.T) {
		t.Helper()
		authority := "gateway: {tls: {client_ca_file: " + newPair(t).cert + "}}\n"
		form := "provider: green-api, auth: certificate, certificates: "
		differs(used, authority+shop(form+"[a]"), authority+shop(form+"[b]"))(t)
	}
	return all
}

// schemeEffects are those of the keys below also, and of the parts of a signature that the others do not go with.
func schemeEffects(signature string) map[string]effect {
	const (
		hexed = "abababababababababababababababababababababababababababababababab" // As good for a public key.
		token = "provider: generic, token: a-secret-0123456789, read: {type: /type}"
		other = ", secret: another-secret-0123456789"
	)
	plain := strings.Replace(signature, "'user:a-secret-0123456789'", hexed, 1)
	all := map[string]effect{
		"sources.<source>.signature.at": differs(used, shop(signature+", signature: {at: 'query:a'}"), shop(signature+", signature: {at: 'query:b'}")),
		"sources.<source>.signature.algorithm": differs(used,
			shop(plain+", signature: {header: X-S}"), shop(plain+", signature: {header: X-S, algorithm: ed25519}")),
		"sources.<source>.signature.secret_encoding": differs(used,
			shop(plain+", signature: {header: X-S}"), shop(plain+", signature: {header: X-S, secret_encoding: hex}")),
		"gateway.public_url": differs(used,
			"gateway: {public_url: 'https://a'}\n"+shop(signature+", signature: {header: X-S, signed: '{url}{body}'}"),
			"gateway: {public_url: 'https://b'}\n"+shop(signature+", signature: {header: X-S, signed: '{url}{body}'}")),
		"sources.<source>.also[].auth": differs(used, shop(token+", also: [{auth: token"+other+"}]"), shop(token+", also: [{auth: path"+other+"}]")),
		"sources.<source>.also[].secret": differs(used, shop(token+", also: [{auth: token"+other+"}]"),
			shop(token+", also: [{auth: token, secret: a-third-secret-0123456789}]")),
		"sources.<source>.also[].env": differs(used, shop(token+", also: [{auth: token"+other+"}]"), shop(token+", also: [{auth: token, env: SECRET}]")),
		"sources.<source>.also[].secret_file": func(t *testing.T) {
			t.Helper()
			form := token + ", also: [{auth: token, secret_file: "
			differs(used, shop(form+write(t, "secret", "one-secret-0123456789")+"}]"), shop(form+write(t, "secret", "two-secrets-0123456789")+"}]"))(t)
		},
	}
	timed := "auth: signature, signature: {header: X-S, timestamp_header: X-At, signed: '{timestamp}{body}'}"
	for key, change := range map[string]struct{ rest, from, to string }{
		"token_header":    {"auth: header", "X-A", "X-B"},
		"token_parameter": {"auth: query", "a", "b"},
		"token_at":        {"auth: body", "/b", "/c"},
		"tolerance":       {timed, "1m", "1h"},
		"from":            {"auth: token", "2026-01-01", "2026-07-01"},
		"until":           {"auth: token", "2026-07-01", "2026-05-01"},
	} {
		form := token + ", also: [{" + change.rest + other
		all["sources.<source>.also[]."+key] = differs(used, shop(form+field(key, change.from)+"}]"), shop(form+field(key, change.to)+"}]"))
	}
	for key, change := range map[string]struct{ rest, from, to string }{
		"header":           {"prefix: x", "X-A", "X-B"},
		"at":               {"prefix: x", "'query:a'", "'query:b'"},
		"prefix":           {"header: X-S", "", "v1="},
		"separator":        {"header: X-S", "", "';'"},
		"encoding":         {"header: X-S", "", "base64"},
		"algorithm":        {"header: X-S", "", "ed25519"},
		"hash":             {"header: X-S", "", "sha512"},
		"secret_encoding":  {"header: X-S", "", "hex"},
		"signed":           {"header: X-S", "", "'x{body}'"},
		"timestamp_header": {"header: X-S, signed: '{timestamp}{body}'", "X-A", "X-B"},
		"timestamp_at":     {"header: X-S, signed: '{timestamp}{body}'", "'query:a'", "'query:b'"},
		"timestamp_prefix": {"header: X-S, separator: ',', prefix: 'v=', signed: '{timestamp}{body}'", "'t='", "'s='"},
		"id_header":        {"header: X-S, signed: '{id}{body}'", "X-Id", "X-Other"},
		"id_at":            {"header: X-S, signed: '{id}{body}'", "'query:a'", "'query:b'"},
		"body_digest_at":   {"header: X-S", "", "'query:digest'"},
	} {
		form := token + ", also: [{auth: signature, secret: " + hexed + ", signature: {" + change.rest
		all["sources.<source>.also[].signature."+key] = differs(used, shop(form+field(key, change.from)+"}}]"), shop(form+field(key, change.to)+"}}]"))
	}
	return all
}
