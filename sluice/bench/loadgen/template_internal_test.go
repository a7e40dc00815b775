package loadgen

import (
	"bytes"
	"strings"
	"testing"

	"sluice.internal/schemas"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

const testRun = "ABCDEFGHIJKL"

func TestNotificationsAreValidAndHaveTheirSize(t *testing.T) {
	t.Parallel()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 500, 960, 100_000} {
		m := NewTemplate(testRun, 3, size, 16, NoHead)
		m.write(12_345)
		body, fault := notification.Parse(m.body)
		if fault != nil {
			t.Fatal(fault)
		}
		if known, faults := set.Validate(SourceName, body.String("typeWebhook"), body.Root()); !known || len(faults) > 0 {
			t.Errorf("known %t, faults %v", known, faults)
		}
		if size > 0 && len(m.body) != size {
			t.Errorf("%d bytes, want %d", len(m.body), size)
		}
	}
}

func TestNotificationsAreUniqueAndChangeInstanceAndChat(t *testing.T) {
	t.Parallel()
	const connections, numbers, instances = 3, chats * 16, 16
	keys, accounts, orders := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for connection := range connections {
		m := NewTemplate(testRun, connection, 960, instances, NoHead)
		for number := range numbers {
			m.write(number)
			body, fault := notification.Parse(m.body)
			if fault != nil {
				t.Fatal(fault)
			}
			identity := source.Providers()[SourceName].Identify(&notification.Notification{Origin: notification.Origin{Source: SourceName}}, body)
			keys[identity.Key], accounts[identity.Instance], orders[identity.OrderKey] = true, true, true
			if c, n, ok := readID(testRun, m.body); c != connection || n != number || !ok {
				t.Fatalf("read connection %d, number %d, %t; want %d, %d", c, n, ok, connection, number)
			}
		}
	}
	if len(keys) != connections*numbers || len(accounts) != instances || len(orders) != chats {
		t.Errorf("%d keys, %d instances, %d chats", len(keys), len(accounts), len(orders))
	}
}

func TestHeadStaysAsItIs(t *testing.T) {
	t.Parallel()
	to, err := newTarget("https://example.org/hook/?a=b", "secret")
	if err != nil {
		t.Fatal(err)
	}
	m := NewTemplate(testRun, 0, 960, 1, to.head)
	m.write(7)
	head, body, _ := bytes.Cut(m.whole, []byte("\r\n\r\n"))
	if !bytes.Equal(body, m.body) || !strings.Contains(string(head), "\r\nContent-Length: 960\r\n") &&
		!strings.HasSuffix(string(head), "\r\nContent-Length: 960") {
		t.Errorf("head %q", head)
	}
	for _, want := range []string{"POST /hook/?a=b HTTP/1.1\r\n", "Host: example.org\r\n", "Authorization: Bearer secret\r\n"} {
		if !strings.Contains(string(head), want) {
			t.Errorf("head %q has no %q", head, want)
		}
	}
	if to.address != "example.org:https" || !to.secure {
		t.Errorf("target %+v", to)
	}
}

func TestMessagesOfOthersHaveNoID(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "{}", idMark, idMark + testRun, idMark + "MNOPQRSTUVWX000000000001", idMark + testRun + "00000000000G",
		idMark + testRun + "G00000000000",
	} {
		if _, _, ok := readID(testRun, []byte(body)); ok {
			t.Errorf("%q has an id", body)
		}
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "127.0.0.1:8080", "ftp://host/x", "http://", "http://[::1"} {
		if _, err := newTarget(url, ""); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
	if _, err := newTarget("http://host", "two\nlines"); err == nil {
		t.Error("a token of two lines is taken")
	}
}
