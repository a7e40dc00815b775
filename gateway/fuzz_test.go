package gateway_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// handle serves a request without a connection and returns its status.
func handle(handler http.Handler, authorization string, body []byte) int {
	request := httptest.NewRequest(http.MethodPost, hookPath, bytes.NewReader(body))
	request.Header.Set("Authorization", authorization)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Code
}

func FuzzHandler(f *testing.F) {
	f.Add("POST", hookPath, "Authorization", "Bearer "+token, "gzip", []byte(incoming))
	f.Add("POST", hookPath+"/", "Traceparent", "00-", "gzip", packed(incoming))
	f.Add("GET", "/%2e", "X-Forwarded-For", "1, [::1", "br", []byte{0xff})
	f.Add("OPTIONS", "*", "Forwarded", `for="\`, "", []byte(nil))
	f.Add("BREW", "/readyz", "authorization", token, "identity,,", []byte("["))
	handler := fuzzed(f)
	f.Fuzz(func(t *testing.T, method, path, name, value, encoding string, body []byte) {
		request := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawPath: path}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header:     http.Header{"Content-Encoding": {encoding}, name: {value}},
			Body:       http.NoBody,
			RemoteAddr: "127.0.0.1:1",
		}
		if len(body) > 0 {
			request.Body, request.ContentLength = readCloser{bytes.NewReader(body)}, int64(len(body))
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		check(t, request, recorder)
	})
}

func fuzzed(f *testing.F) http.Handler {
	f.Helper()
	settings := greenAPI()
	settings.TrustedProxies = parsed([]string{"127.0.0.0/8"})
	settings.BodyLimit = 1 << 20
	return start(f, settings, &forgetful{newMemory()}).Handler()
}

// check holds an answer against what must be true whatever was asked.
func check(t *testing.T, request *http.Request, got *httptest.ResponseRecorder) {
	t.Helper()
	if got.Code >= 500 && got.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d %s", got.Code, got.Body)
	}
	if got.Header().Get("Sluice-Receipt") != "" && !strings.Contains(strings.Join(request.Header.Values("Authorization"), ""), token) {
		t.Error("stored without the token")
	}
	if got.Code == http.StatusOK && got.Header().Get("Sluice-Receipt") == "" &&
		request.URL.Path != "/healthz" && request.URL.Path != "/readyz" {
		t.Errorf("answered 200 without a receipt: %s %q", request.Method, request.URL.Path)
	}
	if got.Header().Get("Sluice-Request-Id") == "" {
		t.Error("answered without an id")
	}
}

func FuzzToken(f *testing.F) {
	f.Add("Bearer " + token)
	f.Add("Bearer Bearer Bearer " + token)
	f.Add("Basic\t" + token)
	handler := fuzzed(f)
	f.Fuzz(func(t *testing.T, authorization string) {
		status := handle(handler, authorization, nil)
		rest := strings.TrimSuffix(strings.TrimSpace(authorization), token)
		schemes := strings.Fields(strings.ToLower(rest))
		for len(schemes) > 0 && (schemes[0] == "bearer" || schemes[0] == "basic") {
			schemes = schemes[1:]
		}
		if status == http.StatusOK && (rest == strings.TrimSpace(authorization) || len(schemes) > 0) {
			t.Errorf("%q is let in", authorization)
		}
		if status != http.StatusOK && status != http.StatusUnauthorized {
			t.Errorf("%q is answered %d", authorization, status)
		}
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
