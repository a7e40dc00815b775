package up_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/up/uptest"
)

// unpackFolder unpacks a data folder. Names in it are the test's own.
func unpackFolder(t *testing.T, archive string) string {
	t.Helper()
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	dir, files := t.TempDir(), tar.NewReader(unpacked)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			var file []byte
			if file, err = io.ReadAll(files); err == nil {
				err = os.WriteFile(path, file, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The folder was written by the last program with version 1 of the keys, in three runs: two messages that were handled and a
// dead letter; statuses of one message in three spellings of a chat and a message, all of them events that only a group without a
// worker has handled; a repeated status, another one and a message, which nobody has taken in.
func TestFolderOfTheVersionBeforeLosesNothingAndKeepsItsOrder(t *testing.T) { //nolint:gocyclo // One story, told step by step.
	t.Parallel()
	dir := unpackFolder(t, filepath.Join("testdata", "keys-version-1.tar.gz"))
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(file, []byte(`
gateway: {listen: "127.0.0.1:0"}
sources: {green-api: {token: the-secret-of-this-source}}
streams:
  notifications: {keep: 87600h, max_age: 876000h}
  events: {keep: 87600h, max_age: 876000h, duplicate_window: 87600h}
  dead_letters: {keep: 876000h}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := uptest.Start(t, dir, loadFile(t, file))
	data := s.Attach(t)
	ctx := streamtest.Context(t)
	// What comes before a worker has opened the shard has the keys of the version before, and no order among other spellings.
	streamtest.Eventually(ctx, t, "the shards to go over to the present keys", func() bool {
		former, err := data.Former(ctx)
		return err == nil && !slices.Contains(former, math.MaxUint64)
	})
	// The shard would wait a minute for the group that nobody serves.
	names, err := data.GroupNames(ctx)
	if err != nil || len(names) != 2 {
		t.Fatalf("groups %v, error %v", names, err)
	}
	for _, name := range names {
		if name != "default" {
			streamtest.Must(t, data.RemoveGroup(ctx, name))
		}
	}
	// One of the chat, in its own spelling, behind all that is there.
	status := `{"typeWebhook":"outgoingMessageStatus","chatId":"71234567890@c.us","instanceData":{"idInstance":1101000001},` +
		`"timestamp":1790000009,"idMessage":"M1","status":"failed"}`
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Description(t).GatewayURL+"/green-api/webhook/", strings.NewReader(status))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer the-secret-of-this-source")
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()

	streamtest.Eventually(ctx, t, "the group to have handled everything", func() bool {
		inspected, err := data.Inspect(ctx)
		return err == nil && inspected.Intake.Unprocessed() == 0 && len(inspected.Groups) == 1 &&
			slices.ContainsFunc(inspected.Groups, func(b admin.Backlog) bool { return b.Name == "default" && b.Unprocessed() == 0 })
	})
	events := streamtest.Collect(t, data.Events(ctx, admin.Query{}))
	seen := map[string]bool{}
	for _, event := range events {
		if seen[event.Key] {
			t.Errorf("event %d has the key of another one", event.Sequence)
		}
		seen[event.Key] = true
	}
	if len(events) != 9 || events[8].OrderKey != "71234567890@c.us" || events[6].OrderKey != "71234567890@s.whatsapp.net" {
		t.Errorf("%d events, want 9: what was stored before keeps its chat: %+v", len(events), events)
	}
	if letters := streamtest.Collect(t, data.DeadLetters(ctx, admin.Query{})); len(letters) != 1 || letters[0].NotificationSequence != 3 {
		t.Errorf("dead letters: %+v", letters)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	// Those of the version before are in lanes of three spellings, which have no order among each other.
	if got := handledStatuses(t, s.Log.String()); len(got) != 5 || got[4] != "failed" {
		t.Errorf("statuses are handled in the order %v; the one that came after the upgrade is the last", got)
	}
}

// handledStatuses are the statuses that handlers have logged, in order.
func handledStatuses(t *testing.T, log string) []string {
	t.Helper()
	var statuses []string
	for line := range strings.Lines(log) {
		var entry struct {
			Message string `json:"msg"`
			Status  string `json:"status"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Status != "" {
			statuses = append(statuses, entry.Status)
		}
	}
	return statuses
}
