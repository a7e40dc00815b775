package wire_test

import (
	"strings"
	"testing"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/internal/wire"
)

func TestSubjectsOfRejectionsTellKindAndAboutTheSize(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{true, false} {
		for _, size := range []int{0, 1, 2, 3, 1000, 1024, 1025, 9000, 8 << 20, 25 << 20} {
			rejection := notification.Rejection{Cause: "wrong secret", Source: "a.b", Known: known, RemoteAddress: "2001:db8::1"}
			subject := wire.RejectionSubject(&rejection, size)
			kind, bytes, ok := wire.ReadRejectionSubject(subject)
			if !ok || kind.Known != known || kind.Cause != "wrong_secret" || kind.Source != "a_b" {
				t.Errorf("%s is read as %+v", subject, kind)
			}
			if got := int64(max(size, 1)); bytes < got*3/4 || bytes > got*3/2 {
				t.Errorf("%s: %d bytes are taken for %d", subject, size, bytes)
			}
			if prefix := strings.TrimSuffix(kind.Filter(), "*"); !strings.HasPrefix(subject, prefix) || strings.Contains(subject[len(prefix):], ".") {
				t.Errorf("%s does not match %s", subject, kind.Filter())
			}
			rejection.RemoteAddress = "2001:db8::ffff"
			if other := wire.RejectionSubject(&rejection, size); other != subject {
				t.Errorf("an address of the same network is in %s, not in %s", other, subject)
			}
		}
	}
}

func TestSubjectsOfRejectionsThatWereOnlyCountedAreOfNoKind(t *testing.T) {
	t.Parallel()
	subject := wire.RejectionSubject(&notification.Rejection{Cause: "a", Source: "b", Skipped: 1}, 100)
	if subject != "rejected.a.b.counted" {
		t.Errorf("the subject is %s", subject)
	}
	for _, other := range []string{subject, "", "rejected", "rejected.a.b.known.x.3", "rejected.a.b.known.1.99", "rejected.a.b.c.d", "other.a.b.known.1.3"} {
		if kind, _, ok := wire.ReadRejectionSubject(other); ok {
			t.Errorf("%s is of kind %+v", other, kind)
		}
	}
	for before, filter := range map[string]string{
		"rejected.a.b.small.127": "rejected.a.b.small.*", "rejected.a.b.common.3": "rejected.a.b.common.*", "rejected.large": "rejected.large",
	} {
		if kind, bytes, ok := wire.ReadRejectionSubject(before); !ok || bytes <= 0 || kind.Filter() != filter {
			t.Errorf("%s is of kind %+v", before, kind)
		}
	}
}
