//go:build e2e

package e2e_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

const (
	// bodyLimit is the largest body in bytes that the attackers' sources take.
	bodyLimit = 8 << 20
	// githubLimit is the largest that github's takes. NATS takes so much in these tests.
	githubLimit = 25_000_000
)

// attack is what somebody tries.
type attack struct {
	name string
	// strike attacks until the attacker's context ends.
	strike func(*attacker)
	// check looks for harm beyond that to processes and honest senders. Nil is none.
	check func(*testing.T, *siege)
}

// TestNoAttackHarmsTheHonest lets attackers strike one after the other, all against the same processes. Each of them has
// to live and to keep to the memory of its container, and honest senders beside the attackers have to be answered 200 alone
// and in time. What the processes have stored in the end adds up.
//
// Loopback alone is attacked. Strangers know no secret; a known sender has a token of its own source.
//
//nolint:paralleltest // It measures how long answers take.
func TestNoAttackHarmsTheHonest(t *testing.T) {
	t.Run("gateway and worker", func(t *testing.T) { newSiege(t).withstandAll(t) })
	t.Run("behind nginx", func(t *testing.T) { newSiegeBehindNginx(t).withstandAll(t) })
	t.Run("sluice up", func(t *testing.T) { newSiegeOfUp(t).withstandAll(t) })
}

// withstandAll lets all attacks strike, one after the other.
func (s *siege) withstandAll(t *testing.T) {
	t.Helper()
	for _, attack := range attacks() {
		t.Run(attack.name, func(t *testing.T) {
			s.withstand(t, attack.name)
			if attack.check != nil {
				attack.check(t, s)
			}
		})
	}
	settle(t, s.where()...)
	audit(t, s.ledgers, s.where()...)
}

func attacks() []attack {
	return []attack{
		{name: "strangers nest arrays", strike: strangersPost(nested, 8, 50*time.Millisecond)},
		{name: "strangers send a million tiny values", strike: strangersPost(tinyValues, 8, 50*time.Millisecond)},
		{name: "strangers send wrong signatures", strike: strangersPost(small, 32, 100*time.Millisecond)},
		{name: "strangers send bodies as large as may be", strike: strangersPost(large, 8, 0)},
		{name: "strangers send their bodies slowly", strike: sendSlowly},
		{name: "strangers flood with headers", strike: floodWithHeaders},
		{name: "strangers never end their headers", strike: neverEndHeaders},
		{name: "strangers abort health checks", strike: abortHealthChecks},
		{name: "known senders send nothing of what they announce", strike: announceAlone},
		{name: "known senders break off large bodies", strike: breakOff},
		{name: "known senders send large bodies all at once", strike: sendAtOnce},
		{name: "everybody trickles chunks", strike: trickleChunks},
		{name: "strangers send bombs", strike: strangersSendBombs},
		{name: "known senders send bombs", strike: sendBombs},
		{name: "known senders nest arrays", strike: knownPost(nested)},
		{name: "known senders send a million tiny values", strike: knownPost(tinyValues)},
		{name: "known senders send as many values as may be", strike: sendManyValues},
		{name: "known senders send many faults", strike: sendManyFaults},
		{name: "known senders write what two readers read differently", strike: sendDoubtful, check: doubtfulIsReadInOneWay},
	}
}

// signedSources are the sources that have to read a body before they know whose it is, each with a signature of the right
// form.
func signedSources() []request {
	const zeros, base64Zeros = "0000000000000000000000000000000000000000000000000000000000000000", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	now := fmt.Sprint(time.Now().Unix())
	return []request{
		{path: "/github/webhook/", header: []string{"X-Hub-Signature-256: sha256=" + zeros, "X-GitHub-Event: push"}},
		{path: "/stripe/webhook/", header: []string{"Stripe-Signature: t=" + now + ",v1=" + zeros}},
		{path: "/slack/webhook/", header: []string{"X-Slack-Signature: v0=" + zeros, "X-Slack-Request-Timestamp: " + now}},
		{path: "/shopify/webhook/", header: []string{"X-Shopify-Hmac-Sha256: " + base64Zeros}},
		{path: "/standard-webhooks/webhook/", header: []string{
			"Webhook-Id: msg_1", "Webhook-Timestamp: " + now, "Webhook-Signature: v1," + base64Zeros,
		}},
	}
}

// known is a request with the right token of a source that is not the honest senders'.
func known(source string, body []byte) request {
	return request{path: "/" + source + "/webhook/", header: []string{"Authorization: Bearer " + knownToken}, body: body}
}

// strangersPost posts each body to each source with a signature that is wrong. Headers that look like secrets cost more.
func strangersPost(bodies func() [][]byte, clients int, interval time.Duration) func(*attacker) {
	return func(a *attacker) {
		all, sources := bodies(), signedSources()
		a.flood(clients, interval, func(number int) request {
			r := sources[number%len(sources)]
			r.header = append([]string{"X-Auth-Token: a", "X-Api-Key: b", "X-Password: c", "X-Secret: d"}, r.header...)
			r.body = all[number/len(sources)%len(all)]
			return r
		})
	}
}

// knownPost posts each body with the right token. They are stored, so there are only a few of them.
func knownPost(bodies func() [][]byte) func(*attacker) {
	return func(a *attacker) {
		all := bodies()
		a.flood(2, 2*time.Second, func(number int) request { return known("known", all[number%len(all)]) })
	}
}

// nested are arrays and objects in others: deep, wide and both, closed and not, small and as large as may be.
func nested() [][]byte {
	var all [][]byte
	for _, size := range []int{20_000, 60_000, 256 << 10, bodyLimit} {
		deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
		all = append(all,
			[]byte(deep(size/2)),
			filled("[", deep(min(9990, size/4))+",", "]", size),
			filled("[", deep(255)+",", "]", size),
			filled("[", deep(63)+",", "]", size),
			[]byte(strings.Repeat(`{"":`, size/6)+"0"+strings.Repeat("}", size/6)),
			[]byte(strings.Repeat(`[{"a":`, size/6)),
			bytes.Repeat([]byte("["), size),
			filled(callHead("nested")+`,"x":[`, deep(200)+",", "]}", size),
		)
	}
	return all
}

// tinyValues are bodies of as many values as their size can have. The first are those that killed every worker.
func tinyValues() [][]byte {
	var names strings.Builder
	for i := 0; names.Len() < bodyLimit-40; i++ {
		fmt.Fprintf(&names, `"%d":0,`, i*7919)
	}
	all := [][]byte{}
	for _, item := range []string{`{"":0},`, `[],`, `0,`, `"",`, `{},`, `{"a":[0]},`} {
		all = append(all,
			filled(callHead("tiny")+`,"x":[`, item, "]}", bodyLimit),
			filled("[", item, "]", bodyLimit))
	}
	return append(all,
		[]byte("{"+strings.TrimSuffix(names.String(), ",")+"}"),
		filled("{", `"a":0,`, "}", bodyLimit),
		filled(`{"x":"`, `\u0000`, `"}`, bodyLimit),
		filled("[", " ", "]", bodyLimit))
}

func small() [][]byte { return [][]byte{[]byte(`{"a":1}`), []byte(callHead("small") + "}")} }

func large() [][]byte {
	return [][]byte{filled(`{"x":"`, "a", `"}`, bodyLimit), filled(`{"x":"`, "a", `"}`, githubLimit)}
}

// filled is a body of a size in bytes that has so many items as there is room for, the last without its comma.
func filled(head, item, tail string, size int) []byte {
	items := strings.Repeat(item, max((size-len(head)-len(tail))/len(item), 1))
	return []byte(head + strings.TrimSuffix(items, ",") + tail)
}

// callHead is a valid notification but for its last brace.
func callHead(id string) string {
	return `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1101000001,"wid":"7@c.us","typeInstance":"whatsapp"},` +
		`"timestamp":1749207600,"from":"7@c.us","status":"offer","idMessage":"` + id + `"`
}

// sendSlowly sends all but the end of a large body and then a byte now and then, from 64 clients at once.
func sendSlowly(a *attacker) {
	sources, body := signedSources(), large()[0]
	a.together(64, func(client int) {
		for a.running() {
			r := sources[client%len(sources)]
			r.body = body
			a.trickle(r.head(), body[:len(body)-4096], []byte("a"), time.Second)
			if !a.pause(time.Second) {
				return
			}
		}
	})
}

// trickleChunks sends chunks of one byte each, with and without a token.
func trickleChunks(a *attacker) {
	sources := append(signedSources(), known("known", nil))
	a.together(64, func(client int) {
		for a.running() {
			r := sources[client%len(sources)]
			head := "POST " + r.path + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(r.header, "\r\n") + "\r\nTransfer-Encoding: chunked\r\n\r\n"
			a.trickle(head, nil, []byte("1\r\na\r\n"), 100*time.Millisecond)
			if !a.pause(time.Second) {
				return
			}
		}
	})
}

// trickle sends a head and the beginning of a body and then a piece at a time, until the gateway has had enough.
func (a *attacker) trickle(head string, beginning, piece []byte, interval time.Duration) {
	conn, err := a.dial()
	if err != nil {
		return
	}
	defer conn.Close()
	answered := make(chan string, 1)
	go func() { answered <- status(conn) }()
	_, err = conn.Write(append([]byte(head), beginning...))
	for err == nil && a.pause(interval) {
		_, err = conn.Write(piece)
	}
	_ = conn.Close()
	if outcome := <-answered; err != nil && a.running() {
		a.outcomes.add(outcome, 0)
	}
}

// status reads an answer and returns its status.
func status(conn net.Conn) string {
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "no answer"
	}
	defer response.Body.Close()
	return response.Status
}

// announceAlone announces a large body and sends nothing of it, from 64 clients at once: with a token, and where none is
// asked for.
func announceAlone(a *attacker) {
	requests := []request{known("known", large()[0]), {path: "/open/webhook/", body: large()[0]}}
	a.together(64, func(client int) {
		for a.running() {
			r := requests[client%len(requests)]
			r.withheld = len(r.body)
			a.send(r)
			if !a.pause(100 * time.Millisecond) {
				return
			}
		}
	})
}

// breakOff sends large bodies but for their last byte, and hangs up.
func breakOff(a *attacker) {
	r := known("known", large()[0])
	a.together(16, func(int) {
		for a.running() {
			if conn, err := a.dial(); err == nil {
				_, _ = conn.Write(append([]byte(r.head()), r.body[:len(r.body)-1]...))
				a.pause(300 * time.Millisecond)
				_ = conn.Close()
			}
			a.pause(100 * time.Millisecond)
		}
	})
}

// sendAtOnce sends sixteen large bodies at the same moment and waits for a while: they are stored.
func sendAtOnce(a *attacker) {
	r := known("known", large()[0])
	for a.running() {
		a.together(16, func(int) { a.send(r) })
		a.pause(5 * time.Second)
	}
}

// bombs are bodies that unpack to far more than is taken, by every encoding and by some on top of others, in the order in which
// they were applied.
func bombs() map[string][]byte {
	// Those that may have several members are a gigabyte. The race detector makes packing slow, and an attack has to begin soon.
	const members, large = 128, 32 << 20
	all := map[string][]byte{
		"gzip":    bytes.Repeat(packed(make([]byte, bodyLimit), "gzip"), members),
		"zstd":    bytes.Repeat(packed(make([]byte, bodyLimit), "zstd"), members),
		"deflate": packed(make([]byte, large), "deflate"),
		"br":      packed(make([]byte, large), "br"),
	}
	for _, encodings := range []string{"gzip, gzip", "br, br", "zstd, zstd", "br, gzip", "gzip, br", "zstd, br", "br, zstd", "gzip, zstd, br"} {
		inner, outer, _ := strings.Cut(encodings, ", ")
		all[encodings] = packed(all[inner], strings.Split(outer, ", ")...)
	}
	return all
}

// encoded is a request with a body in content encodings.
func encoded(r request, encodings string, body []byte) request {
	r.body, r.header = body, append(slices.Clone(r.header), "Content-Encoding: "+encodings)
	return r
}

// sendBombs sends little that unpacks to a lot, and now and then just as much as is taken.
func sendBombs(a *attacker) {
	var all, fit []request
	for encodings, body := range bombs() {
		all = append(all, encoded(known("known", nil), encodings, body))
	}
	for _, encodings := range []string{"gzip", "br", "zstd"} {
		fit = append(fit, encoded(known("known", nil), encodings, packed(large()[0], encodings)))
	}
	a.together(2, func(client int) {
		if client == 0 {
			a.flood(16, 200*time.Millisecond, func(number int) request { return all[number%len(all)] })
		} else {
			a.flood(1, 2*time.Second, func(number int) request { return fit[number%len(fit)] })
		}
	})
}

// strangersSendBombs sends bombs with wrong signatures and with none. Nobody who is not known has anything unpacked, but for what
// the diagnosis tries.
func strangersSendBombs(a *attacker) {
	var all []request
	for encodings, body := range bombs() {
		for _, r := range append(signedSources(), request{path: "/known/webhook/"}) {
			all = append(all, encoded(r, encodings, body))
		}
	}
	a.flood(16, 100*time.Millisecond, func(number int) request { return all[number%len(all)] })
}

// packed is content in encodings, one applied after the other.
func packed(content []byte, encodings ...string) []byte {
	for _, encoding := range encodings {
		var buffer bytes.Buffer
		var writer io.WriteCloser
		switch encoding {
		case "gzip":
			writer = gzip.NewWriter(&buffer)
		case "deflate":
			writer = zlib.NewWriter(&buffer)
		case "br": // With the largest window.
			writer = brotli.NewWriterOptions(&buffer, brotli.WriterOptions{Quality: 2, LGWin: 24})
		case "zstd":
			writer, _ = zstd.NewWriter(&buffer, zstd.WithWindowSize(8<<20)) // The size is one that is allowed.
		}
		_, _ = writer.Write(content)
		_ = writer.Close() // A buffer takes everything.
		content = buffer.Bytes()
	}
	return content
}

// floodWithHeaders sends requests that are nearly nothing but headers, few long ones and many short ones.
func floodWithHeaders(a *attacker) {
	long := strings.Split(strings.Repeat("X-Long: "+strings.Repeat("a", 10_000)+"\n", 6), "\n")[:6]
	short := strings.Split(strings.Repeat("X: a\n", 10_000), "\n")[:10_000]
	requests := []request{
		{path: "/known/webhook/", header: long, body: small()[0]},
		{path: "/github/webhook/", header: short, body: small()[0]},
		{path: "/none/" + strings.Repeat("a", 60_000), body: small()[0]},
	}
	a.flood(64, 100*time.Millisecond, func(number int) request { return requests[number%len(requests)] })
}

// neverEndHeaders holds 3,500 connections with a header that never ends: with 62 KB of it, with what the gateway still
// takes, and with nothing. They come within two seconds: all at once, this process would be the slow one.
func neverEndHeaders(a *attacker) {
	const begun = "POST /known/webhook/ HTTP/1.1\r\nHost: x\r\nX-Long: "
	heads := []string{begun + strings.Repeat("a", 62_000), begun + strings.Repeat("a", 15_000), ""}
	a.together(3500, func(client int) {
		a.pause(time.Duration(client) * time.Second / 2000)
		for a.running() {
			if conn, err := a.dial(); err == nil {
				_, _ = io.WriteString(conn, heads[client%len(heads)])
				outcome := status(conn) // Or the end of the gateway's timeout.
				_ = conn.Close()
				if a.running() {
					a.outcomes.add(outcome, 0)
				}
			}
			a.pause(5 * time.Second)
		}
	})
}

// abortHealthChecks asks whether the gateway is ready and hangs up at once, some 200 times a second.
func abortHealthChecks(a *attacker) {
	addresses := []string{a.gateway, a.admin}
	a.together(8, func(client int) {
		for a.pause(40 * time.Millisecond) {
			conn, err := a.dialTo(addresses[client%len(addresses)])
			if err != nil {
				continue
			}
			_ = conn.(throttled).Conn.(*net.TCPConn).SetLinger(0) // The end comes as a reset.
			_, _ = io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
			_ = conn.Close()
		}
	})
}

// sendManyValues sends valid notifications with nearly as many values as are read, each of them another one.
func sendManyValues(a *attacker) {
	a.flood(4, 250*time.Millisecond, func(number int) request {
		const values = 49_900 // Each has another in it.
		head := callHead(fmt.Sprintf("many-%d", number)) + `,"x":[`
		return known("known", filled(head, `{"":0},`, "]}", len(head)+2+values*len(`{"":0},`)))
	})
}

// sendManyFaults sends bodies each value of which is wrong, to a source that has a schema of its own.
func sendManyFaults(a *attacker) {
	const most = `{"x":[`
	some, all := filled(most, "0,", "]}", 2*99_000), filled(most, "0,", "]}", bodyLimit)
	a.together(2, func(client int) {
		if client == 0 {
			a.flood(4, 250*time.Millisecond, func(int) request { return known("numbers", some) })
		} else {
			a.flood(1, 2*time.Second, func(int) request { return known("numbers", all) })
		}
	})
}

// sendDoubtful sends what schema, identity and handlers could read as different things.
func sendDoubtful(a *attacker) {
	bodies := doubtful()
	a.flood(2, 50*time.Millisecond, func(number int) request { return known("doubtful", bodies[number%len(bodies)]) })
}

func doubtful() [][]byte {
	valid := callHead("doubtful") + "}"
	var all [][]byte
	for _, wrong := range []string{" incomingCall", "incomingCall ", `incomingCall\t`, `incomingCall\n`, `incomingCall\u0000`, "incomingCall\u00a0", `incomingCall\u0085`, `incomingCall\u007f`} {
		all = append(all, []byte(strings.Replace(valid, `"incomingCall"`, `"`+wrong+`"`, 1)))
	}
	for _, more := range []string{
		`"from":"other@c.us"`, `"FROM":"other@c.us"`, `"From":{"evil":1}`, `"ſtatus":"other"`, `"STATUS":"other"`, `"typeWebhook":"stateInstanceChanged"`,
		`"x":"\ud800"`, `"x":"\udc00\ud800"`, `"x":{"a":1,"a":2}`, `"x":{"a":1,"A":2}`,
	} {
		all = append(all, []byte(strings.TrimSuffix(valid, "}")+","+more+"}"))
	}
	return append(all,
		[]byte(`{"typeWebhook":"neverSeen",`+strings.TrimPrefix(valid, "{")),
		[]byte(strings.Replace(valid, `1101000001`, `" 1101000001"`, 1)),
		[]byte(strings.Replace(valid, `1101000001`, `"1101000001\n"`, 1)),
		[]byte(strings.Replace(valid, `"idMessage":"doubtful"`, `"idMessage":"\ud800"`, 1)))
}

// doubtfulIsReadInOneWay checks that what is an event says what is doubtful about it and is what its first reader saw, and that
// what has two meanings is none.
func doubtfulIsReadInOneWay(t *testing.T, s *siege) {
	t.Helper()
	out, code := sluice(t, "events", "--source", "doubtful", "--json", s.where()[0], s.where()[1])
	if code != 0 {
		t.Fatalf("sluice events: exit code %d", code)
	}
	for _, event := range objects(t, out) {
		body, _ := event["body"].(map[string]any)
		faults, _ := event["faults"].([]any)
		if body["from"] != "7@c.us" || body["status"] != "offer" || event["type"] != "incomingCall" && event["type"] != "neverSeen" {
			t.Errorf("an event of the type %q: %v", event["type"], body)
		}
		if len(faults) == 0 && event["type"] == "incomingCall" {
			t.Errorf("nothing is doubtful about an event: %v", event)
		}
	}
	out, code = sluice(t, "dead", "--source", "doubtful", "--json", s.where()[0], s.where()[1])
	if code != 0 {
		t.Fatalf("sluice dead: exit code %d", code)
	}
	wrong := map[any]bool{}
	for _, dead := range objects(t, out) {
		wrong[dead["error"]] = true
	}
	if len(wrong) == 0 {
		t.Error("nothing became a dead letter")
	}
	t.Logf("%d kinds of faults", len(wrong))
}
