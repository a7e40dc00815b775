package forwarded_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"sluice.internal/shared/forwarded"
)

// seen asks for the client of a request that peer sent with these header lines.
func seen(header, peer string, lines ...string) string {
	request := &http.Request{RemoteAddr: peer, Header: http.Header{}}
	if len(lines) > 0 {
		request.Header[header] = lines
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	address := forwarded.Clients{Trusted: trusted, Header: header}.Address(request)
	if !address.IsValid() {
		return "unknown"
	}
	return address.String()
}

func TestClientIsTheFirstFromTheRightThatIsNoTrustedProxy(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		peer  string
		lines []string
		want  string
	}{
		"no proxy":                           {"192.0.2.1:5", nil, "192.0.2.1"},
		"no proxy and a forged header":       {"192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1"},
		"a proxy without the header":         {"10.0.0.1:5", nil, "10.0.0.1"},
		"a proxy":                            {"10.0.0.1:5", []string{"192.0.2.1"}, "192.0.2.1"},
		"a proxy over IPv6":                  {"[fd00::1]:5", []string{"192.0.2.1"}, "192.0.2.1"},
		"a proxy as IPv4 in IPv6":            {"[::ffff:10.0.0.1]:5", []string{"192.0.2.1"}, "192.0.2.1"},
		"two proxies":                        {"10.0.0.1:5", []string{"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		"two proxies, each with its line":    {"10.0.0.1:5", []string{"192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		"a forged entry":                     {"10.0.0.1:5", []string{"10.0.0.3, 192.0.2.1"}, "192.0.2.1"},
		"a forged line":                      {"10.0.0.1:5", []string{"198.51.100.1", "192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		"a forged entry that is nonsense":    {"10.0.0.1:5", []string{"\x00, 192.0.2.1"}, "192.0.2.1"},
		"proxies only":                       {"10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"an entry with a port":               {"10.0.0.1:5", []string{"192.0.2.1:443"}, "192.0.2.1"},
		"an entry with brackets":             {"10.0.0.1:5", []string{"[2001:db8::1]"}, "2001:db8::1"},
		"an entry with brackets and a port":  {"10.0.0.1:5", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		"an entry in IPv6":                   {"10.0.0.1:5", []string{"2001:DB8::1"}, "2001:db8::1"},
		"an entry with a zone":               {"10.0.0.1:5", []string{"fe80::1%eth0"}, "fe80::1"},
		"white space":                        {"10.0.0.1:5", []string{" \t192.0.2.1\t"}, "192.0.2.1"},
		"no spaces":                          {"10.0.0.1:5", []string{"192.0.2.1,10.0.0.2"}, "192.0.2.1"},
		"an empty header":                    {"10.0.0.1:5", []string{""}, "unknown"},
		"an empty entry at the right":        {"10.0.0.1:5", []string{"192.0.2.1,"}, "unknown"},
		"a name":                             {"10.0.0.1:5", []string{"localhost"}, "unknown"},
		"nonsense between":                   {"10.0.0.1:5", []string{"192.0.2.1, x, 10.0.0.2"}, "unknown"},
		"a bracket that is open":             {"10.0.0.1:5", []string{"[2001:db8::1"}, "unknown"},
		"IPv4 in brackets":                   {"10.0.0.1:5", []string{"[192.0.2.1]"}, "unknown"},
		"something after the bracket":        {"10.0.0.1:5", []string{"[2001:db8::1]x"}, "unknown"},
		"a port that is none":                {"10.0.0.1:5", []string{"192.0.2.1:x"}, "unknown"},
		"a port that is missing":             {"10.0.0.1:5", []string{"192.0.2.1:"}, "unknown"},
		"an address with leading zeros":      {"10.0.0.1:5", []string{"192.0.2.01"}, "unknown"},
		"the syntax of the other header":     {"10.0.0.1:5", []string{"for=192.0.2.1"}, "unknown"},
		"a peer that is no address":          {"@", []string{"192.0.2.1"}, "unknown"},
		"very many entries of one proxy":     {"10.0.0.1:5", []string{strings.Repeat("10.0.0.2,", 5000) + "10.0.0.2"}, "10.0.0.2"},
		"very many entries left of a client": {"10.0.0.1:5", []string{strings.Repeat(",", 60000) + "192.0.2.1"}, "192.0.2.1"},
	} {
		if got := seen("X-Forwarded-For", test.peer, test.lines...); got != test.want {
			t.Errorf("%s: the client is %s, want %s", sentence, got, test.want)
		}
	}
}

func TestForwardedIsReadAsRFC7239Says(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`for=192.0.2.1`:                          "192.0.2.1",
		`For=192.0.2.1`:                          "192.0.2.1",
		`for="192.0.2.1"`:                        "192.0.2.1",
		`for="192.0.2.1:47011"`:                  "192.0.2.1",
		`for="192.0.2.1:_gazonk"`:                "192.0.2.1",
		`for="[2001:db8:cafe::17]"`:              "2001:db8:cafe::17",
		`for="[2001:db8:cafe::17]:4711"`:         "2001:db8:cafe::17",
		`for="\1\9\2.0.2.1"`:                     "192.0.2.1",
		`for=192.0.2.1;proto=http;by=203.0.113.`: "192.0.2.1",
		`proto=http; for=192.0.2.1 ;host="a,b;"`: "192.0.2.1",
		`for=192.0.2.1;`:                         "192.0.2.1",
		`for=192.0.2.1, for=10.0.0.2`:            "192.0.2.1",
		`for=198.51.100.1, for=192.0.2.1`:        "192.0.2.1",
		`for=192.0.2.1;host="a, for=6.6.6.6"`:    "192.0.2.1",
		`for="10.0.0.2;a", for=192.0.2.1`:        "192.0.2.1",
		`x="for=6.6.6.6", for=192.0.2.1`:         "192.0.2.1",
		`for=192.0.2.1;secret="\", for=6.6.6.6"`: "192.0.2.1",

		// A client that leaves a quote open must not swallow what the proxy adds.
		`for=6.6.6.6;x=", for=192.0.2.1`:               "192.0.2.1",
		`for=6.6.6.6;x="\, for="[2001:db8::1]"`:        "2001:db8::1",
		`for=6.6.6.6;x=", for="192.0.2.1";proto=https`: "192.0.2.1",

		`for=unknown`:                    "unknown",
		`for=_hidden`:                    "unknown",
		`for="_hidden", for=10.0.0.2`:    "unknown",
		`for=`:                           "unknown",
		`for`:                            "unknown",
		``:                               "unknown",
		`by=192.0.2.1`:                   "unknown",
		`for=192.0.2.1;for=192.0.2.2`:    "unknown",
		`for="192.0.2.1`:                 "unknown",
		`for="192.0.2.1\`:                "unknown",
		`for="192.0.2.1"x`:               "unknown",
		`for = 192.0.2.1`:                "unknown",
		`for=192.0.2.1 proto=http`:       "unknown",
		`for=192.0.2.1,`:                 "unknown",
		`for="192.0.2.1:"`:               "unknown",
		`for="192.0.2.1:_"`:              "unknown",
		`192.0.2.1`:                      "unknown",
		`for=192.0.2.1, x, for=10.0.0.2`: "unknown",
	} {
		if got := seen("Forwarded", "10.0.0.1:5", line); got != want {
			t.Errorf("%s: the client is %s, want %s", line, got, want)
		}
	}
}

func TestForwardedMayHaveSeveralLines(t *testing.T) {
	t.Parallel()
	if got := seen("Forwarded", "10.0.0.1:5", "for=6.6.6.6", "for=192.0.2.1", "for=10.0.0.2, for=10.0.0.3"); got != "192.0.2.1" {
		t.Errorf("the client is %s", got)
	}
}

func FuzzForwardedHeaders(f *testing.F) {
	f.Add("192.0.2.1, [2001:db8::1]:443", "10.0.0.2")
	f.Add(`for="[2001:db8::1]:_x";proto=https, for=unknown`, `x="\"`)
	f.Fuzz(func(t *testing.T, client, proxy string) {
		// Whatever the client writes, what the proxy adds at the right of it decides.
		if got := seen("X-Forwarded-For", "10.0.0.1:5", client+", 192.0.2.1"); got != "192.0.2.1" {
			t.Errorf("X-Forwarded-For: the client made itself %s", got)
		}
		for _, added := range []string{`for=192.0.2.1`, `for="192.0.2.1:80";by="10.0.0.1"`} {
			if got := seen("Forwarded", "10.0.0.1:5", client+", "+added); got != "192.0.2.1" {
				t.Errorf("Forwarded: the client made itself %s", got)
			}
		}
		// And no two lines of anything panic.
		_ = seen("X-Forwarded-For", "10.0.0.1:5", client, proxy)
		_ = seen("Forwarded", "10.0.0.1:5", client, proxy)
		_ = seen("Forwarded", proxy, client)
	})
}
