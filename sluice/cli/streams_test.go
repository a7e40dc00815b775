package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/cli"
	"sluice.internal/sluice/local"
)

var (
	receivedAt = time.Date(2026, 11, 23, 7, 0, 0, 123456789, time.UTC)
	sentAt     = time.Date(2026, 11, 23, 6, 59, 58, 0, time.UTC)
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func shown(t time.Time) string { return t.Local().Format(time.DateTime) }

// sampleEvent is an event that is its number in everything that may differ.
func sampleEvent(streams *streamtest.Streams, id int) notification.Event {
	return streamtest.NewEvent(streams, &notification.Notification{
		Origin: notification.Origin{
			Source: "green-api", Provider: "green-api",
			ReceivedAt:  receivedAt.Add(time.Duration(id) * time.Second),
			ContentType: "application/json", RemoteAddress: "192.0.2.1",
			RequestID: fmt.Sprintf("request-%d", id),
			Body:      []byte(fmt.Sprintf(`{"id": %d}`, id)),
		},
		Sequence: uint64(100 + id),
	}, notification.Identity{
		Type: "incomingCall", Instance: "1101000001", OrderKey: "7@c.us",
		Key: fmt.Sprintf("key-of-%04d", id), SentAt: sentAt,
	})
}

func publish(t *testing.T, streams *streamtest.Streams, events ...notification.Event) {
	t.Helper()
	if _, err := streams.PublishEvents(testContext(t), events); err != nil {
		t.Fatal(err)
	}
}

// following runs a command until stop is called, which returns its exit code. Lines are what it prints.
func following(t *testing.T, args ...string) (lines *bufio.Scanner, stop func() result) {
	t.Helper()
	ctx, cancel := context.WithCancel(testContext(t))
	reader, writer := io.Pipe()
	var stderr strings.Builder
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, cli.Process{Args: args, Stdout: writer, Stderr: &stderr})
		_ = writer.Close()
	}()
	return bufio.NewScanner(reader), func() result {
		cancel()
		rest, _ := io.ReadAll(reader)
		return result{code: <-code, stdout: string(rest), stderr: stderr.String()}
	}
}

func nextLine(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatal("the output ended")
	}
	return lines.Text()
}

// writeToken puts a token into a data folder.
func writeToken(t *testing.T, dir, name, token string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// dataFolder is a folder that `sluice up` left behind.
func dataFolder(t *testing.T, description local.Description) (dir string) {
	t.Helper()
	dir = t.TempDir()
	folder, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Describe(description); err != nil {
		t.Fatal(err)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}
