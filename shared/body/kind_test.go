package body_test

import (
	"testing"

	"sluice.internal/shared/body"
)

func TestWhatTheBytesSayBeyondDoubtCountsMoreThanTheHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		contentType, text string
		want              body.Kind
	}{
		{"application/json", `{"a":1}`, body.JSON},
		{"application/x-www-form-urlencoded", ` {"a":1}`, body.JSON},
		{"text/plain", `{"a":1}`, body.JSON},
		{"text/xml", `{"a":1}`, body.JSON},
		{"multipart/form-data; boundary=x", `{"a":1}`, body.JSON},
		{"application/json", `[1]`, body.JSON},
		{"application/json", ``, body.JSON},
		{"application/json", `hello`, body.JSON},
		{"application/json", `say="a b"`, body.JSON},
		{"application/json", `a b=c`, body.JSON},
		{"application/json", `=`, body.JSON},
		{"application/octet-stream", "\x00=\xff", body.JSON},
		{"application/x-www-form-urlencoded", `a=1`, body.Form},
		{"Application/X-WWW-Form-Urlencoded; =broken", `a`, body.Form},
		{"", `channel=VIBER&message_id=2892296&status=SENT`, body.Form},
		{"application/json", "status=SENT&text=%D0%9C+x\r\n", body.Form},
		{"text/plain", `a=1`, body.PlainText},
		{"text/html", `<html/>`, body.PlainText},
		{"text/plain", `<a/>`, body.PlainText},
		{"text/json", `[]`, body.JSON},
		{"text/xml; charset=utf-8", `<a/>`, body.XML},
		{"application/soap+xml", `no`, body.XML},
		{"application/json", ` <a/>`, body.XML},
		{"application/x-www-form-urlencoded", `<a b="c"/>`, body.XML},
		{"", `<a/>`, body.XML},
		{"multipart/form-data", `a=1`, body.Multipart},
		{"MULTIPART/mixed", `<a/>`, body.Multipart},
	} {
		if got := body.KindOf(c.contentType, []byte(c.text)); got != c.want {
			t.Errorf("%s %q: %d, want %d", c.contentType, c.text, got, c.want)
		}
	}
}
