package up_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/erasure"
	"sluice.internal/sluice/credentials"
)

// What is erased is overwritten, not only taken out of the index.
func TestNothingOfAnErasedChatIsLeftOnTheDisk(t *testing.T) {
	t.Parallel()
	const anna, boris = "79001111111@c.us", "79002222222@c.us"
	call := func(from string) string {
		return `{"typeWebhook":"incomingCall","instanceData":{"idInstance":1,"wid":"1@c.us","typeInstance":"whatsapp"},"from":"` + from +
			`","idMessage":"` + from + `","timestamp":1700000000,"status":"offer"}`
	}
	dir := t.TempDir()
	running := start(t, dir)
	for _, from := range []string{boris, anna, anna} {
		if status, _ := running.post(call(from)); status != 200 {
			t.Fatalf("status %d", status)
		}
	}
	running.events(2)
	eraser := erasure.New(running.Attach(t), func(n *notification.Notification) []notification.Identity {
		what, fault := source.Interpret(source.Providers(), n)
		if fault != nil {
			return nil
		}
		return []notification.Identity{what.Identity}
	})
	found, err := eraser.Look(t.Context(), erasure.Target{Chats: []string{anna}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eraser.Erase(t.Context(), found, "me", nil); err != nil || found.Messages() < 3 {
		t.Fatalf("%d messages found, error %v", found.Messages(), err)
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	if !lies(t, dir, boris) {
		t.Error("nothing of him lies on the disk, so the test shows nothing")
	}
	if lies(t, dir, anna) {
		t.Error("what was erased still lies on the disk")
	}
}

// A whole Sluice runs on an encrypted store, and nothing of it can be read on the disk.
func TestNothingCanBeReadOnAnEncryptedDisk(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "data.key")
	if err := credentials.MakeEncryptionKey(key); err != nil {
		t.Fatal(err)
	}
	encrypted := func() *config.Config {
		cfg := load(t)
		cfg.NATS.EncryptionKeyFile = key
		return cfg
	}
	dir := t.TempDir()
	first := startWith(t, dir, encrypted())
	if status, _ := first.post(call); status != 200 {
		t.Fatalf("status %d", status)
	}
	before := first.events(1)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	if lies(t, dir, "incomingCall") || lies(t, dir, before[0]) {
		t.Error("it can be read on the disk")
	}
	if after := startWith(t, dir, encrypted()).events(1); after[0] != before[0] {
		t.Errorf("events before %q, after %q", before, after)
	}
}

// lies reports whether a file below the folder has the text.
func lies(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
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
