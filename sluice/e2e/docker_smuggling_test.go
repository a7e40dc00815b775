//go:build e2e

package e2e_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// refusesAmbiguousLengths sends requests whose length can be read in two ways, with another notification in what one of them takes
// for the rest. Nginx must refuse each and close the connection, so that no second request is made of the rest.
func (d *deployment) refusesAmbiguousLengths(authorization string) {
	hidden := "POST /green-api/webhook/ HTTP/1.1\r\nHost: x\r\nAuthorization: " + authorization + "\r\nContent-Type: application/json\r\n" +
		"Content-Length: " + strconv.Itoa(len(callWith("HIDDEN"))) + "\r\n\r\n" + string(callWith("HIDDEN"))
	head := "POST /green-api/webhook/ HTTP/1.1\r\nHost: x\r\nAuthorization: " + authorization + "\r\n"
	for name, request := range map[string]string{
		"length and chunks":         head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks and length":         head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths":               head + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + hidden,
		"a list of lengths":         head + "Content-Length: 0, 5\r\n\r\n" + hidden,
		"a signed length":           head + "Content-Length: +0\r\n\r\n" + hidden,
		"two codings":               head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"an unknown coding":         head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"a space before the colon":  head + "Content-Length : 0\r\n\r\n" + hidden,
		"a broken chunk":            head + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + hidden,
		"a folded coding":           head + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden,
		"a line end inside a field": head + "X: a\rContent-Length: 0\r\n\r\n" + hidden,
	} {
		if statuses := d.raw(request); len(statuses) != 1 || statuses[0] < 400 {
			d.t.Errorf("%s: answered %v, want one refusal", name, statuses)
		}
	}
	d.accepts(authorization)
	if strings.Contains(d.sluice("events", "--json"), "HIDDEN") {
		d.t.Error("a hidden notification became an event")
	}
}

// raw sends bytes as they are and returns the status of every answer until the connection is closed.
func (d *deployment) raw(request string) (statuses []int) {
	d.t.Helper()
	to, err := url.Parse(d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", to.Host)
	if err != nil {
		d.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		d.t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	for {
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, answer.Body) // It is the status that counts.
		_ = answer.Body.Close()
		statuses = append(statuses, answer.StatusCode)
	}
}
