package gateway_test

import (
	"cmp"
	"net/http"
	"testing"

	"sluice.internal/shared/config"
)

func TestTokenIsTakenInEveryFormThatSendersUse(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(func(from *config.Source) { from.Tokens = secrets("Bearer " + oldToken) }),
		newMemory())
	for sentence, test := range map[string]struct {
		headers []string
		status  int
	}{
		"alone":                           {[]string{token}, 200},
		"as Bearer":                       {[]string{"Bearer " + token}, 200},
		"as Basic":                        {[]string{"Basic " + token}, 200},
		"with the prefix doubled":         {[]string{"Bearer Bearer " + token}, 200},
		"with two different prefixes":     {[]string{"Bearer Basic " + token}, 200},
		"with the prefix in lower case":   {[]string{"bearer " + token}, 200},
		"with spaces around":              {[]string{"  Bearer   " + token + "  "}, 200},
		"the second of two tokens":        {[]string{"Bearer " + oldToken}, 200},
		"the second one alone":            {[]string{oldToken}, 200},
		"no header":                       {nil, 401},
		"an empty header":                 {[]string{""}, 401},
		"a prefix only":                   {[]string{"Bearer"}, 401},
		"a prefix and a space":            {[]string{"Bearer "}, 401},
		"a wrong token":                   {[]string{"Bearer wrong"}, 401},
		"the token cut off":               {[]string{"Bearer " + token[1:]}, 401},
		"the token and more":              {[]string{"Bearer " + token + "x"}, 401},
		"the token in upper case":         {[]string{"Bearer CORRECT-HORSE-BATTERY-STAPLE"}, 401},
		"both tokens in one header":       {[]string{token + " " + oldToken}, 401},
		"another scheme":                  {[]string{"Digest " + token}, 401},
		"three prefixes":                  {[]string{"Bearer Bearer Bearer " + token}, 401},
		"the header twice":                {[]string{"Bearer " + token, " Bearer " + token + " "}, 200},
		"the header twice, joined":        {[]string{"Bearer " + token + ", Bearer " + token}, 200},
		"a wrong header twice":            {[]string{"wrong", "wrong"}, 401},
		"two tokens that are both right":  {[]string{token, oldToken}, 401},
		"both tokens, joined":             {[]string{token + ", " + oldToken}, 401},
		"a wrong header and a right one":  {[]string{"wrong", token}, 401},
		"a right header and an empty one": {[]string{token, ""}, 401},
	} {
		answer := running.post(t, nil, header("Authorization", test.headers...))
		if answer.StatusCode != test.status {
			t.Errorf("%s: answered %d, want %d", sentence, answer.StatusCode, test.status)
		}
		if test.status == 401 {
			answer.wantRefusal(t, 401, "unauthorized")
			if scheme := answer.Header.Get("WWW-Authenticate"); scheme != "Bearer" {
				t.Errorf("%s: asks for %q", sentence, scheme)
			}
		}
	}
}

func TestTokenInTheQueryIsNoToken(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	running.do(t, http.MethodPost, hookPath+"?token="+token, nil, header("Authorization")).
		wantRefusal(t, http.StatusUnauthorized, "unauthorized")
}

func TestSourceWithoutAuthTakesEverybody(t *testing.T) {
	t.Parallel()
	open := start(t, greenAPI(func(from *config.Source) { from.Token, from.Auth = config.Secret{}, config.AuthNone }), newMemory())
	open.post(t, nil, header("Authorization")).want(t, http.StatusOK)
	open.post(t, nil, header("Authorization", "anything")).want(t, http.StatusOK)
	open.log.await(t, "source open", `"level":"WARN"`, `"token_required":false`)
}

func TestRequestComesFromAnAllowedAddress(t *testing.T) {
	t.Parallel()
	proxies := []string{"127.0.0.0/8"}
	for sentence, test := range map[string]struct {
		allow, proxies []string
		header, value  string
		status         int
	}{
		"its own address is in the list":       {allow: []string{"127.0.0.1/32"}, status: 200},
		"its network is in the list":           {allow: []string{"10.0.0.0/8", "127.0.0.0/8"}, status: 200},
		"its address is not":                   {allow: []string{"10.0.0.0/8"}, status: 403},
		"only IPv6 is in the list":             {allow: []string{"::/0"}, status: 403},
		"it forges X-Forwarded-For":            {[]string{"10.0.0.1/32"}, nil, "X-Forwarded-For", "10.0.0.1", 403},
		"it forges Forwarded":                  {[]string{"10.0.0.1/32"}, nil, "Forwarded", "for=10.0.0.1", 403},
		"it forges X-Real-IP":                  {[]string{"10.0.0.1/32"}, proxies, "X-Real-IP", "10.0.0.1", 403},
		"the header that is not read":          {[]string{"10.0.0.1/32"}, proxies, "Forwarded", "for=10.0.0.1", 403},
		"a trusted proxy says so":              {[]string{"10.0.0.1/32"}, proxies, "X-Forwarded-For", "10.0.0.1", 200},
		"a trusted proxy says so of IPv6":      {[]string{"2001:db8::/32"}, proxies, "X-Forwarded-For", "2001:db8::1", 200},
		"IPv4 written as IPv6":                 {[]string{"10.0.0.1/32"}, proxies, "X-Forwarded-For", "::ffff:10.0.0.1", 200},
		"it forges an entry to a proxy's left": {[]string{"10.0.0.1/32"}, proxies, "X-Forwarded-For", "10.0.0.1, 10.9.9.9", 403},
		"a chain of trusted proxies":           {[]string{"10.0.0.1/32"}, proxies, "X-Forwarded-For", "10.0.0.1, 127.0.0.9", 200},
		"an unknown address":                   {[]string{"0.0.0.0/0"}, proxies, "X-Forwarded-For", "unknown", 403},
		"an unknown address left of a proxy":   {[]string{"0.0.0.0/0"}, proxies, "X-Forwarded-For", "x, 127.0.0.2", 403},
		"an unknown address without a list":    {nil, proxies, "X-Forwarded-For", "unknown", 200},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			settings := greenAPI(allowing(test.allow...))
			settings.TrustedProxies = parsed(test.proxies)
			answer := start(t, settings, newMemory()).post(t, nil, header(cmp.Or(test.header, "X-None"), test.value)).want(t, test.status)
			if test.status == http.StatusForbidden {
				answer.wantRefusal(t, test.status, "address_not_allowed")
			}
		})
	}
}

func TestProvidersListOfAddressesIsAnAllowlist(t *testing.T) {
	t.Parallel()
	settings := greenAPI(allowing("green-api"))
	settings.TrustedProxies = parsed([]string{"127.0.0.1/32"})
	running := start(t, settings, newMemory())
	running.post(t, nil, header("X-Forwarded-For", "46.101.109.139")).want(t, http.StatusOK)
	running.post(t, nil, header("X-Forwarded-For", "46.101.109.140")).want(t, http.StatusForbidden)
}

func TestAddressIsCheckedBeforeTheToken(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(allowing("10.0.0.0/8")), newMemory())
	running.post(t, nil, header("Authorization", "wrong")).wantRefusal(t, http.StatusForbidden, "address_not_allowed")
}
