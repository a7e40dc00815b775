package receiver_test

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// For every sequence of receives, deletions, pushes and restarts each notification is the head until it is deleted, exactly in
// order, and never lost.
func TestEachNotificationIsTheHeadUntilItIsDeleted(t *testing.T) { //nolint:gocyclo // The model stands beside what it is compared with.
	t.Parallel()
	p := newPlace(t, crm())
	p.begin()
	var queue []string // what was pushed and not deleted, over all sequences
	var old []string   // receipts that were good once
	rapid.Check(t, func(t *rapid.T) {
		check := func() string {
			_, answer := p.receive("?receiveTimeout=1")
			if len(queue) == 0 {
				if answer != "null" {
					t.Fatalf("an empty queue hands out %q", answer)
				}
				return ""
			}
			head := p.head()
			if string(head.Body) != queue[0] {
				t.Fatalf("the head is %q, want %q", head.Body, queue[0])
			}
			return strconv.Itoa(int(head.ReceiptID))
		}
		remove := func(receipt string, want bool) {
			if _, answer := p.delete(receipt); (answer == `{"result":true,"reason":""}`) != want {
				t.Fatalf("deleting %s: %q, want %t", receipt, answer, want)
			}
		}
		for _, step := range rapid.SliceOfN(rapid.SampledFrom([]string{
			"push", "push", "receive", "delete", "delete", "delete twice", "delete an old one", "delete a wrong one", "restart",
		}), 1, 8).Draw(t, "steps") {
			switch step {
			case "push":
				queue = append(queue, p.push(1)...)
			case "restart":
				p.start()
			case "delete an old one":
				if len(old) > 0 {
					remove(old[len(old)-1], false)
				}
			case "delete a wrong one":
				remove("2147483647", false)
			case "receive":
				if len(queue) > 0 { // Waiting for nothing takes a second.
					check()
				}
			default:
				if len(queue) == 0 {
					continue
				}
				receipt := check()
				remove(receipt, true)
				queue, old = queue[1:], append(old, receipt)
				if step == "delete twice" {
					remove(receipt, false)
				}
			}
		}
		if len(queue) > 0 {
			check()
		}
	})
	for len(queue) > 0 {
		if head := p.head(); string(head.Body) != queue[0] {
			t.Fatalf("at the end the head is %q, want %q", head.Body, queue[0])
		} else if _, answer := p.delete(strconv.Itoa(int(head.ReceiptID))); answer != `{"result":true,"reason":""}` {
			t.Fatal(answer)
		}
		queue = queue[1:]
	}
}
