package broker_test

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/broker"
	"sluice.internal/sluice/credentials"
)

const private = "79001234567@c.us wrote something"

// inside runs a broker for as long as do does.
func inside(t *testing.T, with broker.Settings, do func(ctx context.Context, js jetstream.JetStream)) {
	t.Helper()
	running, err := broker.New(with, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := stream.Connect(streamtest.Login(t, running.URL(), with.User, with.Password), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	do(t.Context(), js)
	conn.Close()
	stop(t, running)
}

func stop(t *testing.T, running *broker.Broker) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := running.Run(ended); err != nil {
		t.Fatal(err)
	}
}

func store(ctx context.Context, t *testing.T, js jetstream.JetStream) {
	t.Helper()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, "kept", []byte(private)); err != nil {
		t.Fatal(err)
	}
}

// stored returns what the first message says.
func stored(ctx context.Context, t *testing.T, js jetstream.JetStream) string {
	t.Helper()
	opened, err := js.Stream(ctx, "KEPT")
	if err != nil {
		t.Fatal(err)
	}
	message, err := opened.GetMsg(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	return string(message.Data)
}

// onDisk reports whether a file below the folder has the text.
func onDisk(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || bytes.Contains(content, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func keyed(t *testing.T) broker.Settings {
	t.Helper()
	with := settings(t)
	with.EncryptionKeyFile = filepath.Join(t.TempDir(), "sluice.key")
	if err := credentials.MakeEncryptionKey(with.EncryptionKeyFile); err != nil {
		t.Fatal(err)
	}
	return with
}

func TestWhatIsStoredIsEncryptedByTheKey(t *testing.T) {
	t.Parallel()
	with := keyed(t)
	inside(t, with, func(ctx context.Context, js jetstream.JetStream) { store(ctx, t, js) })
	if onDisk(t, with.Dir, private) {
		t.Error("it lies on the disk for all to read")
	}
	inside(t, with, func(ctx context.Context, js jetstream.JetStream) {
		if got := stored(ctx, t, js); got != private {
			t.Errorf("stored is %q", got)
		}
	})
}

func TestWhatWasStoredBeforeIsEncryptedWithTheFirstStart(t *testing.T) {
	t.Parallel()
	with := keyed(t)
	plain := with
	plain.EncryptionKeyFile = ""
	inside(t, plain, func(ctx context.Context, js jetstream.JetStream) { store(ctx, t, js) })
	if !onDisk(t, with.Dir, private) {
		t.Fatal("it does not lie on the disk as it is, so the test shows nothing")
	}
	inside(t, with, func(ctx context.Context, js jetstream.JetStream) {
		if got := stored(ctx, t, js); got != private {
			t.Errorf("stored is %q", got)
		}
	})
	if onDisk(t, with.Dir, private) {
		t.Error("it lies on the disk for all to read")
	}
}

// The server starts without what it can't decrypt, and the streams would be made anew over it.
func TestWrongOrMissingKeyIsAClearErrorAndChangesNothing(t *testing.T) {
	t.Parallel()
	with := keyed(t)
	inside(t, with, func(ctx context.Context, js jetstream.JetStream) { store(ctx, t, js) })
	another, none, gone, short := keyed(t), with, with, with
	another.Dir = with.Dir
	none.EncryptionKeyFile = ""
	gone.EncryptionKeyFile += ".gone"
	short.EncryptionKeyFile = filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short.EncryptionKeyFile, []byte("too short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, settings := range map[string]broker.Settings{
		"is encrypted with another key than the one in": another,
		"name its file with nats.encryption_key_file":   none,
		"there is no file": gone,
		"has 9 characters": short,
	} {
		running, err := broker.New(settings, slog.New(slog.DiscardHandler))
		if err == nil {
			stop(t, running)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	inside(t, with, func(ctx context.Context, js jetstream.JetStream) {
		if got := stored(ctx, t, js); got != private {
			t.Errorf("stored is %q", got)
		}
	})
}

func TestStreamThatCannotBeReadIsNoReasonToGoOnWithoutIt(t *testing.T) {
	t.Parallel()
	with := settings(t)
	inside(t, with, func(ctx context.Context, js jetstream.JetStream) { store(ctx, t, js) })
	files, err := filepath.Glob(filepath.Join(with.Dir, "jetstream", "*", "streams", "KEPT", "meta.inf"))
	if err != nil || len(files) != 1 {
		t.Fatalf("found %q, error %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if running, err := broker.New(with, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "stream KEPT in") {
		t.Errorf("error %v", err)
		if err == nil {
			stop(t, running)
		}
	}
}
