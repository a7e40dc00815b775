package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
)

func TestRequestAtAnUnknownPathIsKeptAndTellsTheNearestSource(t *testing.T) {
	t.Parallel()
	settings := settingsOf(written("green-api", token), written("github", signingSecret), written("sms-by", signingSecret),
		config.Source{Name: "open", Provider: "generic", Path: "/4f2a9c/hook", Auth: config.AuthNone, Read: config.Mapping{Type: "constant:a"}})
	for path, want := range map[string]struct{ detail, message, kept string }{
		"/Green-API/webhook/":                {`"green-api"`, "/green-api/webhook/", "/Green-API/webhook/"},
		"/green-api/webhok":                  {`"green-api"`, "/green-api/webhook/", "/green-api/webhok"},
		"/green-api/":                        {`"green-api"`, "/green-api/webhook/", "/green-api/"},
		"/api/v1/green-api/webhook":          {`"green-api"`, "/green-api/webhook/", "/api/v1/green-api/webhook"},
		"/green-api/webhook/incoming":        {`"green-api"`, "/green-api/webhook/", "/green-api/webhook/incoming"},
		"/git-hub/webhook":                   {`"github"`, "/github/webhook/", "/git-hub/webhook"},
		"/sms-by/webhok/s3cret":              {`"sms-by"`, "/sms-by/webhook/", "/sms-by/webhok/[redacted]"},
		"/sms-by/webhook/s3cret/more":        {`"sms-by"`, "/sms-by/webhook/", "/sms-by/webhook/[redacted]/[redacted]"},
		"/4f2a9c/hok":                        {`"open"`, "Compare the URL", "/4f2a9c/hok"},
		"/wp-login.php":                      {"no source listens", "Compare the URL", "/wp-login.php"},
		"/bot123456:AAHdqTcvCH1vGWJxfSeofSA": {"no source listens", "Compare the URL", "/[redacted]"},
		"/":                                  {"no source listens", "Compare the URL", "/"},
	} {
		store := newMemory()
		answer := start(t, settings, store).post(t, []byte("{}"), at(path)).wantRefusal(t, http.StatusNotFound, "not_found")
		kept := store.awaitRejection(t)
		if !strings.Contains(answer.body, want.message) || strings.Contains(answer.body, "4f2a9c") {
			t.Errorf("%s is answered %s", path, answer.body)
		}
		if kept.Cause != "unknown-path" || kept.Source != "" || !strings.Contains(kept.Detail, want.detail) || kept.Path != want.kept ||
			string(kept.Body) != "{}" || kept.TokenDigests["Authorization"] == "" {
			t.Errorf("%s: kept %+v", path, kept)
		}
	}
}

// at changes where a request goes to.
func at(path string) func(*http.Request) {
	return func(r *http.Request) { r.URL.Path = path }
}

func TestFewRequestsAtUnknownPathsAreKept(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, greenAPI(), store)
	handler := running.Handler()
	for range 150 {
		for _, path := range []string{"/.env", "/green-api/webhok"} {
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}
	}
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	_, rejected := store.all()
	strays, near := 0, 0
	for _, kept := range rejected {
		switch {
		case kept.Skipped > 0:
		case kept.Path == "/.env":
			strays++
		default:
			near++
		}
	}
	if strays == 0 || near <= strays || strays+near > 100 {
		t.Errorf("%d at any path and %d at nearly a source's are kept", strays, near)
	}
	if _, skipped := summedUp(rejected); skipped+strays+near != 300 {
		t.Errorf("%d are counted, and %d kept", skipped, strays+near)
	}
}

func TestRejectionAtAnUnknownPathIsTakenForTheSourceThatIsMeant(t *testing.T) {
	t.Parallel()
	store := newMemory()
	start(t, greenAPI(), store).post(t, []byte(incoming), at("/gren-api/webhook")).want(t, http.StatusNotFound)
	kept := store.awaitRejection(t)
	review := gateway.NewReview(greenAPI().Sources, 1<<20)
	if _, err := review.Notification(kept, "", false); err == nil || !strings.Contains(err.Error(), "--as") {
		t.Errorf("without a source: %v", err)
	}
	if n, err := review.Notification(kept, "green-api", false); err != nil || n.Source != "green-api" || string(n.Body) != incoming {
		t.Errorf("as green-api: %v", err)
	}
	moved := greenAPI(func(from *config.Source) { from.Path = "/gren-api/webhook/" })
	if n, err := gateway.NewReview(moved.Sources, 1<<20).Notification(kept, "", false); err != nil || n.Source != "green-api" {
		t.Errorf("with a source there: %v", err)
	}
	wrong := greenAPI(func(from *config.Source) { from.Token = config.NewSecret("another") })
	if _, err := gateway.NewReview(wrong.Sources, 1<<20).Notification(kept, "green-api", false); err == nil {
		t.Error("with another token it is let in")
	}
}

func TestDoubledSlashesAreOne(t *testing.T) {
	t.Parallel()
	store := newMemory()
	settings := of("generic", func(from *config.Source) {
		from.Path, from.Read = "/crm/webhook", config.Mapping{Type: "constant:a"}
	})
	start(t, settings, store).do(t, http.MethodPost, "//crm//webhook/", strings.NewReader("{}"),
		header("Authorization", "Bearer "+signingSecret)).want(t, http.StatusOK)
	if n := store.only(t); n.Source != "generic" {
		t.Errorf("stored %+v", n)
	}
}
