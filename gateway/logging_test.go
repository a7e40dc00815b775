package gateway_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

func TestLogHasNoTokensAndAboveDebugNoBodies(t *testing.T) {
	t.Parallel()
	const secretBody = "nobody-may-read-this"
	settings := greenAPI(func(from *config.Source) { from.Tokens = secrets("Basic " + oldToken) })
	settings.BodyLimit = 1000
	store := newMemory()
	running := start(t, settings, store)
	body := []byte(`{"typeWebhook":"` + secretBody + `"}`)
	for _, authorization := range []string{token, "Basic " + oldToken, "Bearer " + token + "x", "", "Digest " + token} {
		running.post(t, body, header("Authorization", authorization), header("User-Agent", token))
	}
	for _, path := range []string{hookPath + "?token=" + token, hookPath + "/" + token, "/" + oldToken + "?" + token} {
		running.do(t, http.MethodPost, path, strings.NewReader(secretBody))
		running.do(t, http.MethodPut, path, strings.NewReader(secretBody))
	}
	running.post(t, []byte(strings.Repeat(secretBody, 100)), header("Content-Type", token)).want(t, 413)
	running.do(t, token, hookPath, nil).want(t, http.StatusMethodNotAllowed)
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{token, oldToken} {
		if lines := running.log.lines(t, slog.LevelDebug, secret); len(lines) > 0 {
			t.Errorf("a token is logged: %s", lines)
		}
	}
	if lines := running.log.lines(t, slog.LevelInfo, secretBody); len(lines) > 0 {
		t.Errorf("a body is logged: %s", lines)
	}
}

func TestStoredNotificationIsLoggedAtDebug(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	running.post(t, []byte(incoming)).want(t, http.StatusOK)
	line := running.log.await(t, "notification stored", `"level":"DEBUG"`)
	for _, part := range []string{
		`"source":"green-api"`, `"type":"incomingMessageReceived"`, `"instance":"7103000000"`, `"receipt":1`,
		`"bytes":99`, `"remote":"127.0.0.1"`, `"duration":`, `"status":200`,
	} {
		if !strings.Contains(line, part) {
			t.Errorf("%s is not in %s", part, line)
		}
	}
}

func TestStartAndStopAreLogged(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(allowing("127.0.0.0/8")), newMemory())
	running.log.await(t, `"level":"INFO"`, "gateway listening", running.Address())
	running.log.await(t, `"level":"INFO"`, "source open", `"path":"/green-api/webhook/"`, `"token_required":true`, `"allowlist":true`)
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	running.log.await(t, `"level":"INFO"`, "gateway stopped")
}

func TestRefusalsOfEachCauseAreLoggedOnceAndThenCounted(t *testing.T) {
	t.Parallel()
	running := start(t, greenAPI(), newMemory())
	for range 10 {
		running.post(t, nil, header("Authorization", "wrong")).want(t, http.StatusUnauthorized)
		running.post(t, nil, header("Authorization")).want(t, http.StatusUnauthorized)
		running.do(t, http.MethodPost, "/a", nil).want(t, http.StatusNotFound)
	}
	for _, cause := range []string{"wrong-token", "missing-token", "not_found"} {
		running.log.await(t, cause, "request refused")
		if lines := running.log.lines(t, slog.LevelWarn, cause); len(lines) != 1 {
			t.Errorf("%s has %d lines", cause, len(lines))
		}
	}
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	for _, cause := range []string{"wrong-token", "missing-token", "not_found"} {
		if lines := running.log.lines(t, slog.LevelWarn, cause, "request refused again", `"times":9`); len(lines) != 1 {
			t.Errorf("%s is counted %d times", cause, len(lines))
		}
	}
}
